using Notifications.Worker;
using Notifications.Worker.Faults;
using Notifications.Worker.Faults.Access;
using Notifications.Worker.Faults.CommandLine;
using Notifications.Worker.Faults.Http;
using Orders.Email.Check;
using Orders.Messaging;
using Orders.ServiceDefaults.Health;
using Orders.ServiceDefaults.Hosting;

return await ProgramHost.RunAsync(
    args,
    port: 3001,
    builder =>
    {
        builder.RequireBroker();
        builder.AddNotifications();
        builder.AddFaultAccess();
        builder.AddHealth();
    },
    app =>
    {
        app.MapFaults();
        app.UseFaultSwaggerUI();
        app.MapHealth(FaultAccess.Operator);
    },
    (CheckMailCommand.Word, CheckMailCommand.RunAsync),
    (FaultsCommand.Word, FaultsCommand.RunAsync),
    (DeployTopologyCommand.Word, DeployTopologyCommand.RunAsync));

using Notifications.Worker;
using Orders.Email.Check;
using Orders.FaultQueues;
using Orders.FaultQueues.Access;
using Orders.FaultQueues.CommandLine;
using Orders.FaultQueues.Http;
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

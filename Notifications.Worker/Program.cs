using Notifications.Worker.Email.Check;
using Notifications.Worker.Faults;
using Notifications.Worker.Faults.CommandLine;
using Notifications.Worker.Faults.Http;
using Notifications.Worker.Health;
using Notifications.Worker.Hosting;
using Notifications.Worker.Messaging;

return await ProgramHost.RunAsync(
    args,
    port: 3001,
    builder =>
    {
        builder.RequireBroker();
        builder.AddNotifications();
        builder.AddHealth();
    },
    app =>
    {
        app.MapFaults();
        app.UseFaultSwaggerUI();
        app.MapHealth();
    },
    (CheckMailCommand.Word, CheckMailCommand.RunAsync),
    (FaultsCommand.Word, FaultsCommand.RunAsync),
    (DeployTopologyCommand.Word, DeployTopologyCommand.RunAsync));

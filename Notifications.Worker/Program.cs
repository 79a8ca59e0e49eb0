using Notifications.Worker.Health;
using Notifications.Worker.Hosting;

return await ProgramHost.RunAsync(
    args,
    port: 3001,
    builder =>
    {
        builder.AddNotifications();
        builder.AddHealth();
    },
    app => app.MapHealth());

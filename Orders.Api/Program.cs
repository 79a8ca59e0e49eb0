using Notifications.Worker.Faults;
using Notifications.Worker.Health;
using Notifications.Worker.Hosting;
using Orders.Api.Documentation;
using Orders.Api.Errors;
using Orders.Api.Messaging;
using Orders.Api.Orders;

return await ProgramHost.RunAsync(
    args,
    port: 3000,
    builder =>
    {
        builder.AddOrders();
        builder.AddMessaging();
        builder.AddProblems();
        builder.AddDocumentation();
        builder.AddHealth();
    },
    app =>
    {
        app.UseProblems();
        app.MapOrders();
        app.MapFaults();
        app.MapDocumentation();
        app.MapHealth();
    });

using Orders.Api.Documentation;
using Orders.Api.Errors;
using Orders.Api.Messaging;
using Orders.Api.Orders;
using Orders.Api.Shipments;
using Orders.Api.Status;
using Orders.FaultQueues;
using Orders.FaultQueues.Access;
using Orders.ServiceDefaults.Health;
using Orders.ServiceDefaults.Hosting;

return await ProgramHost.RunAsync(
    args,
    port: 3000,
    builder =>
    {
        builder.AddOrders();
        builder.AddShipments();
        builder.AddStatus();
        builder.AddMessaging();
        builder.AddProblems();
        builder.AddDocumentation();
        builder.AddFaultAccess();
        builder.AddHealth();
    },
    app =>
    {
        app.UseProblems();
        app.MapOrders();
        app.MapShipments();
        app.MapStatus();
        app.MapFaults();
        app.MapDocumentation();
        app.MapHealth(FaultAccess.Operator);
    });

using Generated.NSwag.Faults;
using FaultsError = Generated.NSwag.Faults.ApiException<Generated.NSwag.Faults.ProblemDetails>;
using FaultsMistakes = Generated.NSwag.Faults.ApiException<Generated.NSwag.Faults.HttpValidationProblemDetails>;
using Orders = Generated.NSwag.Orders;
using OrdersError = Generated.NSwag.Orders.ApiException<Generated.NSwag.Orders.ProblemDetails>;
using OrdersMistakes = Generated.NSwag.Orders.ApiException<Generated.NSwag.Orders.HttpValidationProblemDetails>;
using static Clients.Scenario;

namespace Clients;

/// <summary>The clients that NSwag generates.</summary>
internal static class NSwagClients
{
    public static async Task RunAsync(Scenario scenario)
    {
        await PlaceAsync(scenario, new Orders.Client(scenario.Orders.BaseAddress!.ToString(), scenario.Orders));
        await ReplayAsync(scenario, new Client(scenario.Faults.BaseAddress!.ToString(), scenario.Faults));
    }

    private static async Task PlaceAsync(Scenario scenario, Orders.Client orders)
    {
        var request = new Orders.PlaceOrderRequest { OrderId = scenario.PlacedOrder, Email = "customer@example.com", Product = "Laptop" };
        var placed = await orders.PlaceOrderAsync(null, request);
        Expect(placed.Order.OrderId == scenario.PlacedOrder && placed.Status is null, "the order is placed");
        var again = await orders.PlaceOrderAsync(null, request);
        Expect(again.Status is Orders.OrderStatus.Placed or Orders.OrderStatus.Retrying or Orders.OrderStatus.Failed, "the order was placed before");

        var record = await orders.GetOrderAsync(scenario.PlacedOrder);
        Expect(record.OrderId == scenario.PlacedOrder && record.PlacedAt is not null && record.ConfirmedAt is null && record.Attempts >= 0, "the order is known");
        Expect(record.History.First().Status == Orders.OrderStatus.Placed, "the first change is that it was placed");

        request.Email = "customer";
        var mistakes = await FailAsync<OrdersMistakes>(() => orders.PlaceOrderAsync(null, request));
        Expect(mistakes is { StatusCode: 400, Result.Status: 400 } && mistakes.Result.Errors!.Keys.Single() == "email", "the wrong address is named");
        var unknown = await FailAsync<OrdersError>(() => orders.GetOrderAsync("nobody-placed-it"));
        Expect(unknown is { StatusCode: 404, Result.Status: 404 }, "an order that nobody placed is not found");
    }

    private static async Task ReplayAsync(Scenario scenario, Client faults)
    {
        var page = await faults.ListFaultsAsync(Endpoint, FaultQueueKind.Error, null, 10, null, null, null, null, scenario.FailedOrder, null, null, null, null, null);
        var fault = page.Items.Single();
        Expect(page.Matched == 1 && fault is { Kind: FailureKind.Transient, FailedAt: not null, ReplayDue: not null, ParkedAt: null }, "the order is in the list");
        var byIds = await faults.ListFaultsAsync(Endpoint, FaultQueueKind.Error, null, null, ["none", fault.Id], null, null, null, null, null, null, null, null, null);
        Expect(byIds.Items.Single().Subject == scenario.FailedOrder, "the order is found by its fault's id");

        var filter = new FaultFilter { Subject = scenario.FailedOrder };
        var counted = await faults.ReplayFaultsAsync(Endpoint, FaultQueueKind.Error, new ActRequest { Filter = filter, DryRun = true });
        Expect(counted is { DryRun: true, Count: 1, Operation: null }, "a dry run counts");

        var began = await faults.ReplayFaultsAsync(Endpoint, FaultQueueKind.Error, new ActRequest { Filter = filter, AtMost = counted.Count, Reason = scenario.Reason });
        Expect(began is { DryRun: false, Count: 1, Operation.Request: { Action: FaultAction.Replay, Queue: FaultQueueKind.Error } }, "an operation has begun");
        var operation = await PollAsync(() => faults.GetOperationAsync(began.Operation!.Id), operation => operation.State != OperationState.Running);
        Expect(operation is { State: OperationState.Done, Done: 1, EndedAt: not null, Error: null }, "the operation is done");

        var entries = await faults.ListAuditEntriesAsync(null, null, null, operation.Id, null, null);
        Expect(entries.Select(entry => entry.Event).SequenceEqual([AuditEvent.End, AuditEvent.Replay, AuditEvent.Begin]), "all of it is on record");

        var mistakes = await FailAsync<FaultsMistakes>(() => faults.ReplayFaultsAsync(Endpoint, FaultQueueKind.Error, new ActRequest()));
        Expect(mistakes is { StatusCode: 400, Result.Status: 400 } && mistakes.Result.Errors!.Keys.Single() == "all", "the missing filter is named");
        var unknown = await FailAsync<FaultsError>(() => faults.GetOperationAsync("00000000"));
        Expect(unknown is { StatusCode: 404, Result.Status: 404 }, "an operation that nobody began is not found");
    }
}

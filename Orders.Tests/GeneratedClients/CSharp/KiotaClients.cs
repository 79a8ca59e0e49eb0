using Generated.Kiota.Faults.Models;
using Microsoft.Kiota.Abstractions.Authentication;
using Microsoft.Kiota.Http.HttpClientLibrary;
using Faults = Generated.Kiota.Faults;
using Orders = Generated.Kiota.Orders;
using static Clients.Scenario;

namespace Clients;

/// <summary>The clients that Kiota generates.</summary>
internal static class KiotaClients
{
    public static async Task RunAsync(Scenario scenario)
    {
        await PlaceAsync(scenario, new Orders.Client(AdapterOf(scenario.Orders)));
        await ReplayAsync(scenario, new Faults.Client(AdapterOf(scenario.Faults)));
    }

    private static async Task PlaceAsync(Scenario scenario, Orders.Client client)
    {
        var orders = client.Orders;
        var request = new Orders.Models.PlaceOrderRequest { OrderId = scenario.PlacedOrder, Email = "customer@example.com", Product = "Laptop" };
        var placed = await orders.PostAsync(request);
        Expect(placed?.Order?.OrderId == scenario.PlacedOrder && placed?.Status is null, "the order is placed");
        var again = await orders.PostAsync(request);
        Expect(again?.Status is Orders.Models.OrderStatus.Placed or Orders.Models.OrderStatus.Retrying or Orders.Models.OrderStatus.Failed, "the order was placed before");

        var record = await orders[scenario.PlacedOrder].GetAsync();
        Expect(record is { PlacedAt: not null, ConfirmedAt: null, Attempts: >= 0 } && record.OrderId == scenario.PlacedOrder, "the order is known");
        Expect(record?.History?.First().Status == Orders.Models.OrderStatus.Placed, "the first change is that it was placed");

        request.Email = "customer";
        var mistakes = await FailAsync<Orders.Models.HttpValidationProblemDetails>(() => orders.PostAsync(request));
        Expect(mistakes is { ResponseStatusCode: 400, Status: 400 } && mistakes.Errors!.AdditionalData.Keys.Single() == "email", "the wrong address is named");
        var unknown = await FailAsync<Orders.Models.ProblemDetails>(() => orders["nobody-placed-it"].GetAsync());
        Expect(unknown is { ResponseStatusCode: 404, Status: 404 }, "an order that nobody placed is not found");
    }

    private static async Task ReplayAsync(Scenario scenario, Faults.Client client)
    {
        var api = client.Faults.Api;
        var queue = api[Endpoint]["error"];
        var page = await queue.GetAsync(request => (request.QueryParameters.Subject, request.QueryParameters.Take) = (scenario.FailedOrder, 10));
        var fault = page!.Items!.Single();
        Expect(page.Matched == 1 && fault is { Kind: FailureKind.Transient, FailedAt: not null, ReplayDue: not null, ParkedAt: null }, "the order is in the list");
        var byIds = await queue.GetAsync(request => request.QueryParameters.Ids = ["none", fault.Id!]);
        Expect(byIds!.Items!.Single().Subject == scenario.FailedOrder, "the order is found by its fault's id");

        var filter = new FaultFilter { Subject = scenario.FailedOrder };
        var counted = await queue.Replay.PostAsync(new ActRequest { Filter = filter, DryRun = true });
        Expect(counted is { DryRun: true, Count: 1, Operation: null }, "a dry run counts");

        var began = await queue.Replay.PostAsync(new ActRequest { Filter = filter, AtMost = counted!.Count, Reason = scenario.Reason });
        Expect(began is { DryRun: false, Count: 1, Operation.Request: { Action: FaultAction.Replay, Queue: FaultQueueKind.Error } }, "an operation has begun");
        var operation = await PollAsync(() => api.Operations[began!.Operation!.Id!].GetAsync(), operation => operation?.State != OperationState.Running);
        Expect(operation is { State: OperationState.Done, Done: 1, EndedAt: not null, Error: null }, "the operation is done");

        var entries = await api.Audit.GetAsync(request => request.QueryParameters.Operation = operation!.Id);
        Expect(entries!.Select(entry => entry.Event).SequenceEqual([AuditEvent.End, AuditEvent.Replay, AuditEvent.Begin]), "all of it is on record");

        var mistakes = await FailAsync<HttpValidationProblemDetails>(() => queue.Replay.PostAsync(new ActRequest()));
        Expect(mistakes is { ResponseStatusCode: 400, Status: 400 } && mistakes.Errors!.AdditionalData.Keys.Single() == "all", "the missing filter is named");
        var unknown = await FailAsync<ProblemDetails>(() => api.Operations["00000000"].GetAsync());
        Expect(unknown is { ResponseStatusCode: 404, Status: 404 }, "an operation that nobody began is not found");
    }

    private static HttpClientRequestAdapter AdapterOf(HttpClient http) =>
        new(new AnonymousAuthenticationProvider(), httpClient: http) { BaseUrl = http.BaseAddress!.ToString().TrimEnd('/') };
}

using System.Text;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Extensions.Options;
using Orders.FaultQueues.Access;
using Orders.FaultQueues.Audit;
using Orders.FaultQueues.Inspection;
using Orders.FaultQueues.Operations;
using Orders.FaultQueues.Queues;

namespace Orders.FaultQueues.Http;

/// <summary>The HTTP API of the fault queues.</summary>
public static class FaultApi
{
    /// <summary>What all addresses of the API begin with.</summary>
    public const string Path = FaultAccess.ApiPath;

    /// <summary>The largest body that is read, in bytes.</summary>
    public const int MaxBodySize = 1024 * 1024;

    /// <summary>The operation's id in the OpenAPI document.</summary>
    internal const string Replay = "replayFaults";

    /// <summary>The operation's id in the OpenAPI document.</summary>
    internal const string Park = "parkFaults";

    /// <summary>The operation's id in the OpenAPI document.</summary>
    internal const string Discard = "discardFaults";

    private const string Queue = QueueInAddress.Pattern;
    private const string NoSuchFault = "There is no such message in this queue, or no longer.";
    private const string NoSuchOperation = "There is no such operation. Those of a program that was started anew are in the audit trail.";
    private const int DefaultPage = 50;
    private const int DefaultAuditPage = 100;

    public static void AddFaultApi(this IHostApplicationBuilder builder)
    {
        // Else a body that cannot be read is answered with an empty 400 outside Development.
        builder.Services.Configure<RouteHandlerOptions>(options => options.ThrowOnBadRequest = true);
        builder.Services.ConfigureHttpJsonOptions(json =>
        {
            json.SerializerOptions.AllowDuplicateProperties = false;
            json.SerializerOptions.NumberHandling = JsonNumberHandling.Strict;
        });
        builder.Services.Configure<RouteOptions>(routes => routes.SetParameterPolicy<EndpointConstraint>(EndpointConstraint.Name));
        builder.AddFaultDocumentation();
    }

    /// <summary>Maps the API into the group of <see cref="FaultAccess.Path"/>.</summary>
    public static void MapFaultApi(this IEndpointRouteBuilder faults)
    {
        var api = faults.MapGroup("/api")
            .WithGroupName(FaultDocumentation.Name)
            .ProducesProblem(StatusCodes.Status401Unauthorized)
            .ProducesProblem(StatusCodes.Status429TooManyRequests)
            .ProducesProblem(StatusCodes.Status503ServiceUnavailable);

        var queues = api.MapGroup("").WithTags("Queues");
        queues.MapGet("", GetOverviewAsync)
            .WithName("listQueues")
            .WithSummary("All queues at a glance")
            .WithDescription("""
                How many messages wait in each queue, and of what groups they are, as the last look at it found them: `lookedAt` says when that was,
                and is `null` while the first one is under way. `missingRights` is there where the broker's user lacks a right: it names the right, and what
                cannot be done without it. Of a queue that may not be read, nothing else is known.
                """);
        queues.MapGet("/endpoints", (FaultEndpoints endpoints) => TypedResults.Ok(endpoints.All.Select(endpoint => new EndpointDescription(endpoint, endpoint == endpoints.Default))))
            .WithName("listEndpoints")
            .WithSummary("List endpoints")
            .WithDescription("The endpoints whose faults are looked after, and what their queues are called in the broker.");
        queues.MapGet(Queue, GetListAsync)
            .WithName("listFaults")
            .ProducesProblem(StatusCodes.Status404NotFound)
            .ProducesProblem(StatusCodes.Status403Forbidden)
            .WithSummary("List messages")
            .WithDescription("""
                A page of the messages of a queue, oldest first. They stay as they are. `lookedAt` says when the queue was looked at: of a long
                one, or one that somebody works on, that may be a while ago. A filter by text reads the queue anew.
                """)
            .WithMetadata(FaultParameters.Queue)
            .WithMetadata(FaultParameters.Page(DefaultPage))
            .WithMetadata(FaultParameters.Filter);
        queues.MapGet($"{Queue}/groups", GetGroupsAsync)
            .WithName("groupFaults")
            .ProducesProblem(StatusCodes.Status404NotFound)
            .ProducesProblem(StatusCodes.Status403Forbidden)
            .WithSummary("Group messages")
            .WithDescription("Messages of the same exception from the same place, the largest group first. The header `Last-Modified` says when the queue was looked at.")
            .WithMetadata(FaultParameters.Queue)
            .WithMetadata(FaultParameters.Filter);
        queues.MapGet($"{Queue}/{{id}}", GetDetailsAsync)
            .WithName("getFault")
            .ProducesProblem(StatusCodes.Status403Forbidden)
            .ProducesProblem(StatusCodes.Status404NotFound)
            .WithSummary("Show a message")
            .WithDescription("Everything that is known about one message: body, headers, stack trace, and what will become of it.")
            .WithMetadata(FaultParameters.Queue);
        queues.MapGet("/events", FaultEvents.GetAsync)
            .WithName(FaultEvents.Operation)
            .Produces<string>(StatusCodes.Status200OK, "text/event-stream")
            .WithSummary("Listen to news")
            .WithDescription($"""
                A stream of server-sent events that ends with the connection. The `data` of an event is JSON of a schema that goes with the event's name:

                - `{FaultEvents.Counts}`: `{FaultEvents.CountsSchema}`, at once and whenever a count changes.
                - `{FaultEvents.Look}`: `{FaultEvents.LookSchema}`, when a look at a queue found other messages than the one before.
                - `{FaultEvents.Progress}`: `{nameof(FaultOperation)}`, when an operation began, went on or ended.
                - `{FaultEvents.Heartbeat}`: an empty string, when there is nothing else to say.
                """);

        var operations = api.MapGroup("").WithTags("Operations");
        var old = operations.MapGroup("");
        QueueInAddress.Deprecate(old, Path);
        Act(FaultAction.Replay, Replay, "Replay messages", "Puts messages into the worker's queue again. Those from parking have all their replays before them again.");
        Act(FaultAction.Park, Park, "Park messages", "Moves messages from the error queue to parking, where the redeliver job leaves them alone.");
        Act(FaultAction.Discard, Discard, "Discard messages", "Deletes parked messages for good.");
        Post("/{id}/edit", EditAsync, EditAsync)
            .WithName("editFault")
            .ProducesProblem(StatusCodes.Status422UnprocessableEntity)
            .WithSummary("Edit a message and replay it")
            .WithDescription("Replays a message with another body, under a new message id. Only where `Faults__AllowEditing` is true.");
        operations.MapGet("/operations", (FaultOperations all) => TypedResults.Ok(all.GetAll()))
            .WithName("listOperations")
            .WithSummary("List operations")
            .WithDescription("The operations of this program, the newest first.");
        operations.MapGet("/operations/{id}", GetOperation)
            .WithName("getOperation")
            .ProducesProblem(StatusCodes.Status404NotFound)
            .WithSummary("Show an operation")
            .WithDescription("How far an operation is.");
        operations.MapDelete("/operations/{id}", CancelAsync)
            .WithName("cancelOperation")
            .ProducesProblem(StatusCodes.Status404NotFound)
            .RequireAuthorization(FaultAccess.Operator)
            .ProducesProblem(StatusCodes.Status403Forbidden)
            .WithSummary("Cancel an operation")
            .WithDescription("Ends an operation after the messages that it is at. What it has not come to stays where it is.");

        api.MapGet("/audit", GetAuditAsync)
            .WithName("listAuditEntries")
            .WithTags("Audit")
            .WithSummary("Read the audit trail")
            .WithDescription("Who did what to which message, when and why; newest first.")
            .WithMetadata(FaultParameters.Page(DefaultAuditPage))
            .WithMetadata(FaultParameters.Audit);

        QueueInAddress.RedirectReads(queues, Path);

        void Act(FaultAction action, string name, string summary, string description) =>
            Post(
                $"/{action.ToString().ToLowerInvariant()}",
                (QueueInAddress queue, ActRequest request, FaultOperations all, HttpContext http, CancellationToken cancellationToken) =>
                    ActAsync(queue, action, request, all, http, cancellationToken),
                (QueueInAddress queue, ActRequest request, FaultOperations all, HttpContext http, CancellationToken cancellationToken) =>
                    ActByOldAddressAsync(queue, action, request, all, http, cancellationToken))
                .WithName(name)
                .WithSummary(summary)
                .WithDescription(description);

        // What is done by an old address is done all the same.
        RouteHandlerBuilder Post(string what, Delegate handler, Delegate oldHandler)
        {
            Restrict(old.MapPost(QueueInAddress.OldPattern + what, oldHandler));
            return Restrict(operations.MapPost(Queue + what, handler)).WithMetadata(FaultParameters.Queue);
        }

        RouteHandlerBuilder Restrict(RouteHandlerBuilder act) => act
            .RequireAuthorization(FaultAccess.Operator)
            .WithMetadata(new RequestSizeLimitAttribute(MaxBodySize))
            .ProducesProblem(StatusCodes.Status403Forbidden)
            .ProducesProblem(StatusCodes.Status404NotFound)
            .ProducesProblem(StatusCodes.Status408RequestTimeout)
            .ProducesProblem(StatusCodes.Status413PayloadTooLarge)
            .ProducesProblem(StatusCodes.Status415UnsupportedMediaType);
    }

    private static async Task<Ok<QueueOverview[]>> GetOverviewAsync(FaultInspector inspector, CancellationToken cancellationToken) =>
        TypedResults.Ok(await inspector.GetOverviewsAsync(cancellationToken));

    private static async Task<Results<Ok<FaultPage>, ValidationProblem>> GetListAsync(
        QueueInAddress queue, HttpRequest http, FaultInspector inspector, CancellationToken cancellationToken)
    {
        var query = new FaultQueryReader(http.Query);
        var skip = query.Number("skip") ?? 0;
        var take = query.Number("take", 1, FaultInspector.LongestPage) ?? DefaultPage;
        var filter = query.Filter();
        return query.FindMistakes() is { Count: > 0 } mistakes
            ? TypedResults.ValidationProblem(mistakes, FaultProblems.Mistaken)
            : TypedResults.Ok(await inspector.ListAsync(queue, filter, skip, take, cancellationToken));
    }

    private static async Task<Results<Ok<IReadOnlyList<FaultGroup>>, ValidationProblem>> GetGroupsAsync(
        QueueInAddress queue, HttpContext http, FaultInspector inspector, CancellationToken cancellationToken)
    {
        var query = new FaultQueryReader(http.Request.Query);
        var filter = query.Filter();
        if (query.FindMistakes() is { Count: > 0 } mistakes)
        {
            return TypedResults.ValidationProblem(mistakes, FaultProblems.Mistaken);
        }

        var (lookedAt, groups) = await inspector.GroupAsync(queue, filter, cancellationToken);
        http.Response.GetTypedHeaders().LastModified = lookedAt;
        return TypedResults.Ok(groups);
    }

    private static async Task<Results<Ok<FaultDetails>, ProblemHttpResult>> GetDetailsAsync(
        QueueInAddress queue, string id, FaultInspector inspector, CancellationToken cancellationToken) =>
        await inspector.FindAsync(queue, id, cancellationToken) is { } details
            ? TypedResults.Ok(details)
            : NotFound(NoSuchFault);

    // One status and one schema, dry run or not: generators of clients take an operation's first success for its only one.
    private static async Task<Results<Ok<ActResult>, ValidationProblem>> ActAsync(
        FaultQueue queue, FaultAction action, ActRequest request, FaultOperations operations, HttpContext http, CancellationToken cancellationToken)
    {
        if (request.FindMistakes(queue, action) is { Count: > 0 } mistakes)
        {
            return TypedResults.ValidationProblem(mistakes, FaultProblems.Mistaken);
        }

        if (request.DryRun)
        {
            return TypedResults.Ok(new ActResult(true, await operations.CountAsync(request.For(queue, action), cancellationToken)));
        }

        var operation = await operations.StartAsync(request.For(queue, action), http.User.Identity!.Name!, cancellationToken);
        http.Response.Headers.Location = AddressOf(operation);
        return TypedResults.Ok(new ActResult(false, operation.Total, operation));
    }

    /// <summary>The same for clients of releases that answered with 200 to a dry run, and else with 202 and the operation alone.</summary>
    private static async Task<IResult> ActByOldAddressAsync(
        FaultQueue queue, FaultAction action, ActRequest request, FaultOperations operations, HttpContext http, CancellationToken cancellationToken) =>
        (await ActAsync(queue, action, request, operations, http, cancellationToken)).Result switch
        {
            Ok<ActResult> { Value: { Operation: { } operation } } => TypedResults.Accepted(AddressOf(operation), operation),
            Ok<ActResult> { Value: { } counted } => TypedResults.Ok(new DryRunResult(counted.Count)),
            var refusal => refusal,
        };

    private static string AddressOf(FaultOperation operation) => $"{Path}/operations/{operation.Id}";

    private static async Task<Results<NoContent, ValidationProblem, ProblemHttpResult>> EditAsync(
        QueueInAddress queue,
        string id,
        EditRequest request,
        FaultInspector inspector,
        FaultOperations operations,
        IOptions<FaultsOptions> options,
        HttpContext http,
        CancellationToken cancellationToken)
    {
        if (!options.Value.AllowEditing)
        {
            return TypedResults.Problem(
                statusCode: StatusCodes.Status403Forbidden, detail: "Editing is switched off. Faults__AllowEditing switches it on.");
        }

        if (await inspector.FindAsync(queue, id, cancellationToken) is not { } fault)
        {
            return NotFound(NoSuchFault);
        }

        if (request.FindMistakes(fault.ContentType) is { Count: > 0 } mistakes)
        {
            return TypedResults.ValidationProblem(mistakes, FaultProblems.Mistaken);
        }

        return await operations.ReplayEditedAsync(
            queue, id, Encoding.UTF8.GetBytes(request.Body!), request.ContentType, request.Reason, http.User.Identity!.Name!, cancellationToken)
            ? TypedResults.NoContent()
            : NotFound(NoSuchFault);
    }

    private static Results<Ok<FaultOperation>, ProblemHttpResult> GetOperation(string id, FaultOperations operations) =>
        operations.Find(id) is { } operation ? TypedResults.Ok(operation) : NotFound(NoSuchOperation);

    private static async Task<Results<Ok<FaultOperation>, ProblemHttpResult>> CancelAsync(string id, FaultOperations operations) =>
        await operations.CancelAsync(id) is { } operation ? TypedResults.Ok(operation) : NotFound(NoSuchOperation);

    private static async Task<Results<Ok<IReadOnlyList<AuditEntry>>, ValidationProblem>> GetAuditAsync(
        HttpRequest http, IAuditTrail audit, CancellationToken cancellationToken)
    {
        var query = new FaultQueryReader(http.Query);
        var wanted = new AuditQuery(
            query.Text("operation"),
            query.Text("subject") ?? query.Text("orderId"),
            query.Text("who"),
            query.Number("skip") ?? 0,
            query.Number("take", 1, FaultInspector.LongestPage) ?? DefaultAuditPage,
            query.Text("endpoint"));
        return query.FindMistakes() is { Count: > 0 } mistakes
            ? TypedResults.ValidationProblem(mistakes, FaultProblems.Mistaken)
            : TypedResults.Ok(await audit.ReadAsync(wanted, cancellationToken));
    }

    private static ProblemHttpResult NotFound(string detail) =>
        TypedResults.Problem(statusCode: StatusCodes.Status404NotFound, detail: detail);
}

using System.Globalization;
using System.Text;
using System.Text.Json;
using MassTransit;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;
using Microsoft.Net.Http.Headers;
using Orders.FaultQueues.Access;
using Orders.FaultQueues.Audit;
using Orders.FaultQueues.Http;
using Orders.FaultQueues.Inspection;
using Orders.FaultQueues.Live;
using Orders.FaultQueues.Operations;
using Orders.FaultQueues.Queues;
using Orders.ServiceDefaults.Pages;
using Orders.ServiceDefaults.Protection;
using RabbitMQ.Client.Exceptions;

namespace Orders.FaultQueues.Pages;

/// <summary>The web pages of the fault queues: plain HTML with forms and links, which a small script keeps up to date.</summary>
public static class FaultPages
{
    private const string Queue = QueueInAddress.Pattern;
    private const string Action = "/{action:regex(^(replay|park|discard)$)}";

    private static readonly IReadOnlyDictionary<string, string> NoMistakes = new Dictionary<string, string>();

    /// <summary>Maps the pages into the group of <see cref="FaultAccess.Path"/>.</summary>
    public static void MapFaultPages(this IEndpointRouteBuilder faults)
    {
        var pages = faults.MapGroup("").ExcludeFromDescription().AddEndpointFilter(GuardAsync);
        pages.MapFaultAssets();
        pages.MapGet("", ShowOverviewAsync);
        pages.MapGet(Queue, ShowListAsync);
        pages.MapGet(Queue + "/{id}", ShowFaultAsync);
        pages.MapGet("/operations/{id}", ShowOperationAsync);
        pages.MapGet("/audit", ShowAuditAsync);

        var acts = pages.MapGroup("").RequireAuthorization(FaultAccess.Operator);
        acts.MapGet(Queue + Action, ConfirmAsync);
        acts.MapPost(Queue + Action, StartAsync);
        acts.MapGet(Queue + "/{id}/edit", EditAsync);
        acts.MapPost(Queue + "/{id}/edit", ReplayEditedAsync);
        acts.MapPost("/operations/{id}/cancel", CancelAsync);

        // Bookmarks, and pages that were open when the addresses changed.
        QueueInAddress.RedirectReads(pages, FaultAccess.Path);
        var old = acts.MapGroup("");
        QueueInAddress.Deprecate(old, FaultAccess.Path);
        old.MapPost(QueueInAddress.OldPattern + Action, StartAsync);
        old.MapPost(QueueInAddress.OldPattern + "/{id}/edit", ReplayEditedAsync);
    }

    private static async Task<IResult> ShowOverviewAsync(
        HttpContext http, FaultInspector inspector, FaultOperations operations, IAuditTrail audit, CancellationToken cancellationToken)
    {
        var queues = await inspector.GetOverviewsAsync(cancellationToken);
        return await ShowAsync<Overview, OverviewModel>(http, new OverviewModel(
            queues,
            [.. operations.GetAll().Where((operation, index) => index < 3 || operation.State == OperationState.Running)],
            [.. AuditLine.Collapse(await audit.ReadAsync(new AuditQuery(Take: int.MaxValue), cancellationToken)).Take(8)]));
    }

    private static async Task<IResult> ShowListAsync(
        HttpContext http, QueueInAddress queue, FaultInspector inspector, IFaultRights rights, string? page, string? done, CancellationToken cancellationToken)
    {
        var query = FaultQuery.Read(http.Request.Query);
        var number = Number(page);
        var missing = await rights.FindMissingAsync(queue, cancellationToken);
        if (query.Mistakes.Count > 0)
        {
            return await ShowAsync<FaultList, ListModel>(http, new ListModel(queue.Queue, query, null, number, missing), StatusCodes.Status400BadRequest);
        }

        var found = await inspector.ListAsync(queue, query.Filter, (number - 1) * ListModel.PageSize, ListModel.PageSize, cancellationToken);
        var notice = done == "edited" ? "The edited message was replayed under a new message id. The audit says by whom and why." : null;
        return await ShowAsync<FaultList, ListModel>(http, new ListModel(queue.Queue, query, found, number, missing, notice));
    }

    private static async Task<IResult> ShowFaultAsync(
        HttpContext http,
        QueueInAddress queue,
        string id,
        FaultInspector inspector,
        IFaultRights rights,
        IAuditTrail audit,
        IOptions<FaultsOptions> options,
        CancellationToken cancellationToken)
    {
        if (await inspector.FindAsync(queue, id, cancellationToken) is not { } details)
        {
            return await ShowGoneAsync(http, queue);
        }

        IReadOnlyList<AuditEntry> entries = details.Fault.Subject is { } subject
            ? await audit.ReadAsync(new AuditQuery(Subject: subject, Take: 20, Endpoint: details.Endpoint), cancellationToken)
            : [];
        var missing = await rights.FindMissingAsync(queue, cancellationToken);
        return await ShowAsync<FaultView, FaultModel>(
            http, new FaultModel(queue.Queue, details, [.. entries.Select(AuditLine.Of)], options.Value.AllowEditing, missing));
    }

    private static async Task<IResult> ConfirmAsync(
        HttpContext http,
        QueueInAddress queue,
        InAddress<FaultAction> action,
        FaultInspector inspector,
        IFaultRights rights,
        IOptions<FaultsOptions> options,
        CancellationToken cancellationToken)
    {
        await rights.RequireAsync(queue, action.Value.Need(), cancellationToken);
        var query = FaultQuery.Read(http.Request.Query);
        if (query.IsNothing || query.Mistakes.Count > 0)
        {
            return await ShowNoChoiceAsync(http, queue, query);
        }

        // A reason is asked for on this page: until it is sent, its absence is no mistake.
        var mistakes = new FaultRequest(queue, action, query.Filter, "to come").Validate();
        return await ShowConfirmAsync(http, queue, action, query, inspector, Invariant(options.Value.Rate), null, First(mistakes), cancellationToken);
    }

    private static async Task<IResult> StartAsync(
        HttpContext http, QueueInAddress queue, InAddress<FaultAction> action, FaultInspector inspector, FaultOperations operations, CancellationToken cancellationToken)
    {
        var form = await http.Request.ReadFormAsync(cancellationToken);
        var query = FaultQuery.Read(form);
        if (query.IsNothing || query.Mistakes.Count > 0)
        {
            return await ShowNoChoiceAsync(http, queue, query);
        }

        var (rate, reason) = (form["rate"].ToString().Trim(), form["reason"].ToString().Trim());
        var hasRate = double.TryParse(rate, NumberStyles.Float, CultureInfo.InvariantCulture, out var perSecond);
        var hasAtMost = int.TryParse(form["atMost"], NumberStyles.None, CultureInfo.InvariantCulture, out var atMost);
        // What is no number fails the check as a number that is out of range.
        var request = new FaultRequest(
            queue,
            action,
            query.Filter,
            reason.Length == 0 ? null : reason,
            rate.Length == 0 ? null : hasRate ? perSecond : double.NaN,
            hasAtMost ? atMost : 0);
        var mistakes = request.Validate();
        if (mistakes.Count > 0)
        {
            return await ShowConfirmAsync(http, queue, action, query, inspector, rate, reason, First(mistakes), cancellationToken);
        }

        var operation = await operations.StartAsync(request, Visitor.Of(http).Name, cancellationToken);
        return SeeOther(http, $"/faults/operations/{operation.Id}");
    }

    private static async Task<IResult> ShowOperationAsync(HttpContext http, string id, FaultOperations operations) =>
        operations.Find(id) is { } operation
            ? await ShowAsync<OperationPage, FaultOperation>(http, operation)
            : await ShowAsync<Message, MessageModel>(
                http,
                new MessageModel(
                    "This operation is not known here",
                    "Operations are remembered by the process that ran them, until it ends. What it did is on record in the audit.",
                    $"/faults/audit?operation={Uri.EscapeDataString(id)}",
                    "Look it up in the audit"),
                StatusCodes.Status404NotFound);

    private static async Task<IResult> CancelAsync(HttpContext http, string id, FaultOperations operations)
    {
        await operations.CancelAsync(id);
        return SeeOther(http, $"/faults/operations/{Uri.EscapeDataString(id)}");
    }

    private static async Task<IResult> EditAsync(
        HttpContext http,
        QueueInAddress queue,
        string id,
        FaultInspector inspector,
        IFaultRights rights,
        IOptions<FaultsOptions> options,
        CancellationToken cancellationToken)
    {
        if (!options.Value.AllowEditing)
        {
            return await ShowNoEditingAsync(http, queue, id);
        }

        await rights.RequireAsync(queue, FaultNeed.Replay, cancellationToken);

        return await inspector.FindAsync(queue, id, cancellationToken) is { } details
            ? await ShowAsync<Edit, EditModel>(http, new EditModel(queue.Queue, id, details.Fault.Subject, details.Text, details.ContentType, null, NoMistakes))
            : await ShowGoneAsync(http, queue);
    }

    private static async Task<IResult> ReplayEditedAsync(
        HttpContext http, QueueInAddress queue, string id, FaultOperations operations, IOptions<FaultsOptions> options, CancellationToken cancellationToken)
    {
        if (!options.Value.AllowEditing)
        {
            return await ShowNoEditingAsync(http, queue, id);
        }

        var form = await http.Request.ReadFormAsync(cancellationToken);
        // Forms send every line end as CR LF.
        var edit = new EditModel(
            queue.Queue,
            id,
            form["subject"],
            form["body"].ToString().ReplaceLineEndings("\n"),
            form["contentType"].ToString().Trim(),
            form["reason"].ToString().Trim(),
            NoMistakes);
        if (FindMistakes(edit) is { Count: > 0 } mistakes)
        {
            return await ShowAsync<Edit, EditModel>(http, edit with { Mistakes = mistakes }, StatusCodes.Status400BadRequest);
        }

        return await operations.ReplayEditedAsync(
            queue, id, Encoding.UTF8.GetBytes(edit.Body), edit.ContentType, edit.Reason, Visitor.Of(http).Name, cancellationToken)
            ? SeeOther(http, $"{edit.Queue.Address()}?done=edited")
            : await ShowGoneAsync(http, queue);
    }

    private static async Task<IResult> ShowAuditAsync(
        HttpContext http, IAuditTrail audit, string? operation, string? subject, string? orderId, string? who, string? each, string? page, CancellationToken cancellationToken)
    {
        var query = new AuditQuery(Given(operation), Given(subject) ?? Given(orderId), Given(who), Take: int.MaxValue);
        var entries = await audit.ReadAsync(query, cancellationToken);
        var isEach = each is not null || query.Operation is not null || query.Subject is not null;
        var number = Number(page);
        List<AuditLine> lines =
        [
            .. (isEach ? entries.Select(AuditLine.Of) : AuditLine.Collapse(entries)).Skip((number - 1) * AuditModel.PageSize).Take(AuditModel.PageSize + 1),
        ];
        return await ShowAsync<AuditPage, AuditModel>(
            http, new AuditModel(query, isEach, [.. lines.Take(AuditModel.PageSize)], number, lines.Count > AuditModel.PageSize));

        static string? Given(string? value) => string.IsNullOrWhiteSpace(value) ? null : value.Trim();
    }

    private static async Task<IResult> ShowConfirmAsync(
        HttpContext http,
        FaultQueue queue,
        FaultAction action,
        FaultQuery query,
        FaultInspector inspector,
        string rate,
        string? reason,
        Dictionary<string, string> mistakes,
        CancellationToken cancellationToken)
    {
        const int Shown = 5;
        var found = await inspector.ListAsync(queue, query.Filter, 0, Shown, cancellationToken);
        return await ShowAsync<Confirm, ConfirmModel>(
            http,
            new ConfirmModel(queue, action, query, found.Matched, found.Items, rate, reason, mistakes),
            mistakes.Count > 0 ? StatusCodes.Status400BadRequest : StatusCodes.Status200OK);
    }

    private static Task<IResult> ShowGoneAsync(HttpContext http, FaultQueue queue) => ShowAsync<Message, MessageModel>(
        http,
        new MessageModel(
            "This message is no longer here",
            "It was replayed, parked or discarded meanwhile. If it has failed again since, it is in the list under a new id.",
            queue.Address(),
            queue.Kind == FaultQueueKind.Error ? "Go to the error queue" : "Go to the parked messages"),
        StatusCodes.Status404NotFound);

    private static Task<IResult> ShowNoChoiceAsync(HttpContext http, FaultQueue queue, FaultQuery query) => ShowAsync<Message, MessageModel>(
        http,
        query.IsNothing
            ? new MessageModel("No message is ticked", "Tick the messages that are meant, then choose what to do with them.", queue.Address(), "Back to the list")
            : new MessageModel("The filter has a mistake", "Nothing was done. The list says what is wrong.", $"{queue.Address()}{query.At()}", "Mend the filter"),
        StatusCodes.Status400BadRequest);

    private static Task<IResult> ShowNoEditingAsync(HttpContext http, FaultQueue queue, string id) => ShowAsync<Message, MessageModel>(
        http,
        new MessageModel(
            "Editing is switched off",
            "The setting Faults__AllowEditing switches it on.",
            $"{queue.Address()}/{Uri.EscapeDataString(id)}",
            "Back to the message"),
        StatusCodes.Status404NotFound);

    /// <summary>Renders a page.</summary>
    private static async Task<IResult> ShowAsync<TPage, TModel>(HttpContext http, TModel model, int status = StatusCodes.Status200OK)
        where TPage : View<TModel>
    {
        var services = http.RequestServices;
        var frame = new Frame(
            Visitor.Of(http),
            await CountAsync(http),
            services.GetRequiredService<TimeProvider>().GetUtcNow());
        return await RenderedPage.ShowAsync<TPage>(
            http,
            new Dictionary<string, object?>
            {
                [nameof(View<TModel>.Frame)] = frame,
                [nameof(View<TModel>.Model)] = model,
            },
            status);
    }

    /// <summary>A page that says that the broker is away should not need the broker.</summary>
    private static async Task<FaultNews.Counts?> CountAsync(HttpContext http)
    {
        try
        {
            return await http.RequestServices.GetRequiredService<FaultInspector>().CountAllAsync(http.RequestAborted);
        }
        catch (Exception exception) when (IsOfTheBroker(exception))
        {
            return null;
        }
    }

    /// <summary>Says what browsers may do with the pages, and shows what the broker refuses as a page too.</summary>
    private static async ValueTask<object?> GuardAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        var http = context.HttpContext;
        var headers = http.Response.Headers;
        headers.ContentSecurityPolicy = SecurityHeaders.PolicyOfPages;
        if (HttpMethods.IsPost(http.Request.Method) && !http.Request.HasFormContentType)
        {
            return TypedResults.Text("This address takes forms.", statusCode: StatusCodes.Status415UnsupportedMediaType);
        }

        try
        {
            return await next(context);
        }
        catch (MissingRightException exception)
        {
            return await ShowAsync<Message, MessageModel>(
                http, new MessageModel("A right is missing on the broker", exception.Message, "/faults", "Go to the overview"), StatusCodes.Status403Forbidden);
        }
        catch (Exception exception) when (IsOfTheBroker(exception))
        {
            headers.RetryAfter = "5";
            return await ShowAsync<Message, MessageModel>(
                http,
                new MessageModel(
                    exception switch
                    {
                        FaultQueueBusyException => "The queue is busy",
                        MissingLockException => FaultProblems.ReadOnly,
                        _ => FaultProblems.BrokerDoesNotAnswer,
                    },
                    exception.GetBaseException().Message,
                    HttpMethods.IsGet(http.Request.Method) ? http.Request.Path + http.Request.QueryString : "/faults",
                    "Try again"),
                StatusCodes.Status503ServiceUnavailable);
        }
    }

    private static bool IsOfTheBroker(Exception exception) =>
        exception is FaultQueueBusyException or MissingLockException or BrokerUnreachableException or RabbitMQClientException or MassTransitException or TimeoutException;

    /// <summary>What is wrong with an edited message, by the name of its field.</summary>
    private static Dictionary<string, string> FindMistakes(EditModel edit)
    {
        var mistakes = new Dictionary<string, string>();
        if (string.IsNullOrEmpty(edit.Reason) || edit.Reason.Length > FaultRequest.LongestReason || edit.Reason.Any(char.IsControl))
        {
            mistakes["reason"] = $"A reason is required: one line of at most {FaultRequest.LongestReason} characters.";
        }

        if (!MediaTypeHeaderValue.TryParse(edit.ContentType, out var contentType))
        {
            mistakes["contentType"] = "This is no content type. Write it like application/json.";
        }
        else if (contentType.SubTypeWithoutSuffix.Equals("json", StringComparison.OrdinalIgnoreCase)
            || contentType.Suffix.Equals("json", StringComparison.OrdinalIgnoreCase))
        {
            try
            {
                using var _ = JsonDocument.Parse(edit.Body);
            }
            catch (JsonException exception)
            {
                mistakes["body"] = $"This is not JSON: line {exception.LineNumber + 1}, byte {exception.BytePositionInLine + 1}.";
            }
        }

        return mistakes;
    }

    private static Dictionary<string, string> First(Dictionary<string, string[]> mistakes) =>
        mistakes.ToDictionary(mistake => mistake.Key, mistake => mistake.Value[0]);

    private static int Number(string? page) =>
        int.TryParse(page, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? Math.Clamp(number, 1, 1_000_000) : 1;

    private static string Invariant(double number) => number.ToString(CultureInfo.InvariantCulture);

    private static StatusCodeHttpResult SeeOther(HttpContext http, string address)
    {
        http.Response.Headers.Location = address;
        return TypedResults.StatusCode(StatusCodes.Status303SeeOther);
    }
}

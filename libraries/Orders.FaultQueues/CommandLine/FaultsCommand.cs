using System.CommandLine;
using System.CommandLine.Help;
using System.Globalization;
using MassTransit;
using Orders.FaultQueues.Audit;
using Orders.FaultQueues.Http;
using Orders.FaultQueues.Inspection;
using Orders.FaultQueues.Operations;
using Orders.FaultQueues.Queues;
using Orders.ServiceDefaults.CommandLine;

namespace Orders.FaultQueues.CommandLine;

/// <summary>
/// <c>dotnet Notifications.Worker.dll faults …</c>: looks at the fault queues and acts on them from a terminal or a
/// script. It is a client of the HTTP API of a program that runs, with the same roles and the same audit trail.
/// </summary>
public sealed class FaultsCommand
{
    /// <summary>The word of the command line that it is called by.</summary>
    public const string Word = "faults";

    internal const int Done = 0;
    internal const int Failed = 1;
    internal const int Misused = 2;

    internal const string UserVariable = "FAULTS_USER";
    internal const string PasswordVariable = "FAULTS_PASSWORD";
    private const string UrlVariable = "FAULTS_URL";
    private const string DefaultUrl = "http://localhost:3001";

    private readonly Terminal _terminal;
    private readonly Option<string> _url = new("--url") { Recursive = true, Description = $"The program to ask. [{UrlVariable}, or {DefaultUrl}]", HelpName = "address" };
    private readonly Option<string> _user = new("--user") { Recursive = true, Description = $"Who you are. [{UserVariable}]", HelpName = "name" };
    private readonly Option<FileInfo> _passwordFile = new Option<FileInfo>("--password-file")
    {
        Recursive = true,
        Description = $"The file that holds your password. [the password itself in {PasswordVariable}]",
        HelpName = "file",
    }.AcceptExistingOnly();
    private readonly Option<bool> _json = new("--json") { Recursive = true, Description = "Write the API's JSON, and nothing else." };

    private FaultsCommand(Terminal terminal) => _terminal = terminal;

    /// <summary>Runs the command line that follows <see cref="Word"/>.</summary>
    /// <returns>The exit code: 0 when done; 1 for a failure, with one line on standard error; 2 for a mistake in the command line.</returns>
    public static Task<int> RunAsync(string[] arguments) => RunAsync(arguments, Terminal.OfProcess(), CancellationToken.None);

    internal static async Task<int> RunAsync(string[] arguments, Terminal terminal, CancellationToken cancellationToken)
    {
        var parsed = new FaultsCommand(terminal).Build().Parse(arguments);
        if (parsed.Errors.Count > 0)
        {
            foreach (var error in parsed.Errors)
            {
                terminal.WriteError(string.Join(' ', error.Message.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)));
            }

            return Misused;
        }

        try
        {
            return await parsed.InvokeAsync(
                new InvocationConfiguration { Output = terminal.Out, Error = terminal.Error, EnableDefaultExceptionHandler = false }, cancellationToken);
        }
        catch (FaultsCommandException exception)
        {
            terminal.EndRewriting();
            terminal.WriteError(exception.Message);
            return exception.ExitCode;
        }
        catch (OperationCanceledException)
        {
            terminal.WriteError("Interrupted.");
            return Failed;
        }
    }

    private Command Build()
    {
        var faults = new Command(Word, $"""
            Looks at messages that could not be processed, replays them, parks them, discards them.
            It asks a program that runs, over HTTP: without a command, for all queues at a glance.
            """) { _url, _user, _passwordFile, _json, new HelpOption() };
        Do<QueueOverview[]>(faults, HttpMethod.Get, _ => "", WriteOverview);

        var filter = new FilterOptions();
        var queue = new QueueArgument();
        var id = new Argument<string>("id") { Description = "The id, as a list shows it." };
        var skip = new Option<int?>("--skip") { Description = "How many to pass over." };
        var take = new Option<int?>("--take") { Description = "How many to show, 500 at most." };

        var list = new Command("list", "Lists messages, oldest first.") { queue, skip, take };
        filter.AddTo(list);
        Do<FaultPage>(
            list,
            queue,
            parsed => QueryOf([.. filter.Query(parsed), ("skip", parsed.GetValue(skip)), ("take", parsed.GetValue(take))]),
            WriteList);

        var groups = new Command("groups", "Groups messages of the same exception from the same place, the largest group first.") { queue };
        filter.AddTo(groups);
        Do<FaultGroup[]>(groups, queue, parsed => $"/groups{QueryOf(filter.Query(parsed))}", WriteGroups);

        var show = new Command("show", "Shows everything about one message.") { queue, id };
        Do<FaultDetails>(show, queue, parsed => $"/{Escape(parsed.GetRequiredValue(id))}", WriteDetails);

        var operations = new Command("operations", "Lists the operations of the program, the newest first.");
        Do<FaultOperation[]>(operations, HttpMethod.Get, _ => "operations", WriteOperations);

        var cancel = new Command("cancel", "Cancels an operation; what it has not come to stays where it is.") { id };
        Do<FaultOperation>(cancel, HttpMethod.Delete, parsed => $"operations/{Escape(parsed.GetRequiredValue(id))}", cancelled => WriteOperations([cancelled]));

        var operation = new Option<string>("--operation") { Description = "Entries of this operation." };
        var subject = new Option<string>("--subject", "--order-id") { Description = "Entries about messages with this subject." };
        var endpoint = new Option<string>("--endpoint") { Description = "Entries about messages of this endpoint." };
        var who = new Option<string>("--who") { Description = "Entries of this user." };
        var audit = new Command("audit", "Shows who did what to which message, when and why; newest first.") { operation, endpoint, subject, who, skip, take };
        Do<AuditEntry[]>(
            audit,
            HttpMethod.Get,
            parsed => $"audit{QueryOf(
            [
                ("operation", parsed.GetValue(operation)),
                ("endpoint", parsed.GetValue(endpoint)),
                ("subject", parsed.GetValue(subject)),
                ("who", parsed.GetValue(who)),
                ("skip", parsed.GetValue(skip)),
                ("take", parsed.GetValue(take)),
            ])}",
            WriteAudit);

        faults.Add(list);
        faults.Add(groups);
        faults.Add(show);
        faults.Add(Act(FaultAction.Replay, "Puts messages into the worker's queue again.", queue));
        faults.Add(Act(FaultAction.Park, "Moves messages from the error queue to parking, where the redeliver job leaves them alone.", queue));
        faults.Add(Act(FaultAction.Discard, "Deletes parked messages for good.", queue));
        faults.Add(Edit(queue, id));
        faults.Add(operations);
        faults.Add(cancel);
        faults.Add(audit);
        return faults;
    }

    /// <summary>A command that is one request, and shows its answer.</summary>
    private void Do<T>(Command command, HttpMethod method, Func<ParseResult, string> path, Action<T> write) =>
        Do(command, method, (_, parsed, _) => Task.FromResult(path(parsed)), write);

    /// <summary>The same about a queue. The address goes on after that of the queue.</summary>
    private void Do<T>(Command command, QueueArgument queue, Func<ParseResult, string> rest, Action<T> write) =>
        Do(command, HttpMethod.Get, async (client, parsed, cancelled) => $"{(await queue.ReadAsync(client, parsed, cancelled)).Path}{rest(parsed)}", write);

    private void Do<T>(Command command, HttpMethod method, Func<FaultsClient, ParseResult, CancellationToken, Task<string>> path, Action<T> write) =>
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var client = Connect(parsed);
            var json = await client.SendAsync(method, await path(client, parsed, cancellationToken), null, cancellationToken);
            var answer = client.Read<T>(json);
            if (parsed.GetValue(_json))
            {
                await _terminal.Out.WriteLineAsync(json);
            }
            else
            {
                write(answer);
            }

            return Done;
        });

    private Command Act(FaultAction action, string description, QueueArgument queue)
    {
        var filter = new FilterOptions();
        var all = new Option<bool>("--all") { Description = "Every message of the queue; needed where no filter is given." };
        var reason = new Option<string>("--reason") { Description = "Why, for the audit trail; required to park and to discard." };
        var rate = new Option<double?>("--rate") { Description = "How many messages a second." };
        var atMost = new Option<int?>("--at-most") { Description = "How many messages at most, the oldest first." };
        var dryRun = new Option<bool>("--dry-run") { Description = "Count the messages and leave them as they are." };
        var yes = new Option<bool>("--yes", "-y") { Description = "Do not ask." };
        var detach = new Option<bool>("--detach") { Description = "Do not wait for the end." };
        var command = new Command(action.ToString().ToLowerInvariant(), description) { queue };
        filter.AddTo(command);
        foreach (var option in new Option[] { all, reason, rate, atMost, dryRun, yes, detach })
        {
            command.Add(option);
        }

        command.SetAction(async (parsed, cancellationToken) =>
        {
            var (wanted, isAll) = (filter.Read(parsed), parsed.GetValue(all));
            if (wanted.IsEmpty != isAll)
            {
                throw new FaultsCommandException(
                    isAll ? "--all and a filter exclude each other." : "There is no filter. If every message of the queue is meant, say --all.", Misused);
            }

            if (action != FaultAction.Replay && string.IsNullOrWhiteSpace(parsed.GetValue(reason)) && !parsed.GetValue(dryRun))
            {
                throw new FaultsCommandException("There is no --reason; the audit trail needs one.", Misused);
            }

            using var client = Connect(parsed);
            return await new FaultsAct(client, _terminal, parsed.GetValue(_json)).RunAsync(
                await queue.ReadAsync(client, parsed, cancellationToken),
                action,
                new ActRequest(
                    wanted,
                    isAll,
                    parsed.GetValue(reason),
                    parsed.GetValue(rate),
                    parsed.GetValue(atMost),
                    parsed.GetValue(dryRun)),
                parsed.GetValue(yes),
                parsed.GetValue(detach),
                cancellationToken);
        });
        return command;
    }

    private Command Edit(QueueArgument queue, Argument<string> id)
    {
        var bodyFile = new Option<string>("--body-file") { Required = true, Description = "The file that holds the new body; - for standard input.", HelpName = "file" };
        var contentType = new Option<string>("--content-type") { Description = "What the new body is; left out, what the old one was." };
        var reason = new Option<string>("--reason") { Description = "Why, for the audit trail." };
        var command = new Command("edit", "Replays a message with another body, where the program allows it.") { queue, id, bodyFile, contentType, reason };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var body = await ReadAsync(parsed.GetRequiredValue(bodyFile), cancellationToken);
            using var client = Connect(parsed);
            await client.SendAsync(
                HttpMethod.Post,
                $"{(await queue.ReadAsync(client, parsed, cancellationToken)).Path}/{Escape(parsed.GetRequiredValue(id))}/edit",
                new EditRequest(body, parsed.GetValue(contentType), parsed.GetValue(reason)),
                cancellationToken);
            if (!parsed.GetValue(_json))
            {
                _terminal.WriteLine("The message was replayed with its new body.");
            }

            return Done;
        });
        return command;
    }

    private FaultsClient Connect(ParseResult parsed)
    {
        var url = parsed.GetValue(_url) ?? Variable(UrlVariable) ?? DefaultUrl;
        if (!Uri.TryCreate(url, UriKind.Absolute, out var address) || address.Scheme is not ("http" or "https"))
        {
            throw new FaultsCommandException($"'{url}' is no address such as {DefaultUrl}.", Misused);
        }

        var user = parsed.GetValue(_user) ?? Variable(UserVariable);
        var password = parsed.GetValue(_passwordFile) is { } file ? ReadFile(file.FullName).TrimEnd('\r', '\n') : Variable(PasswordVariable);
        return (user, password) switch
        {
            (null, null) => new FaultsClient(address, null),
            (null, _) => throw new FaultsCommandException($"There is a password, but no name: set {UserVariable} or give --user.", Misused),
            (_, null) => throw new FaultsCommandException($"There is a name, but no password: set {PasswordVariable} or give --password-file.", Misused),
            _ => new FaultsClient(address, (user, password)),
        };
    }

    private string? Variable(string name) => _terminal.Variable(name) is { Length: > 0 } value ? value : null;

    private async Task<string> ReadAsync(string file, CancellationToken cancellationToken) =>
        file == "-" ? await _terminal.In.ReadToEndAsync(cancellationToken) : ReadFile(file);

    private static string ReadFile(string file)
    {
        try
        {
            return File.ReadAllText(file);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new FaultsCommandException(exception.Message);
        }
    }

    private static string QueryOf(IEnumerable<(string Name, object? Value)> parameters) =>
        QueryString.Create(parameters
            .Where(parameter => parameter.Value is not null)
            .Select(parameter => KeyValuePair.Create(parameter.Name, Convert.ToString(parameter.Value, CultureInfo.InvariantCulture)))).Value ?? "";

    private static string Escape(string id) => Uri.EscapeDataString(id);

    private static string Text(int? number) => number?.ToString(CultureInfo.InvariantCulture) ?? "";

    private static string Time(DateTimeOffset? time) => time?.ToUniversalTime().ToString("yyyy-MM-dd HH:mm:ss'Z'", CultureInfo.InvariantCulture) ?? "";

    private static string AsOf(DateTimeOffset? lookedAt) => lookedAt is null ? "" : $", as of {Time(lookedAt)}";

    private static string Shorten(string? text, int length = 60) => text is null ? "" : text.Length <= length ? text : $"{text[..(length - 1)]}…";

    private static string ShortType(string? type) => type is null ? "" : type[(type.LastIndexOf('.') + 1)..];

    private void WriteOverview(QueueOverview[] queues)
    {
        foreach (var queue in queues)
        {
            var isKnown = queue.May(FaultNeed.Look);
            _terminal.WriteLine($"{queue.Endpoint}/{queue.Queue.Word()}: {(isKnown ? $"{FaultsAct.Messages(queue.Count)}{AsOf(queue.LookedAt)}" : "cannot be looked at")}");
            foreach (var right in queue.MissingRights ?? [])
            {
                _terminal.WriteLine($"  {right.Explanation}");
            }

            if (queue.Groups.Count > 0)
            {
                WriteGroups(queue.Groups);
            }
        }
    }

    private void WriteGroups(IReadOnlyList<FaultGroup> groups) => _terminal.WriteTable(
        ["COUNT", "GROUP", "KIND", "EXCEPTION", "LAST", "ERROR"],
        groups.Select(group => new[] { Text(group.Count), group.Id, group.Kind.ToString(), ShortType(group.ExceptionType), Time(group.Last), Shorten(group.Error) }));

    private void WriteList(FaultPage page)
    {
        _terminal.WriteTable(
            ["ID", "FAILED", "REPLAYS", "KIND", "SUBJECT", "RECIPIENT", "ERROR"],
            page.Items.Select(fault => new[]
            {
                fault.Id, Time(fault.FailedAt), Text(fault.Replays), fault.Kind.ToString(), fault.Subject ?? "", Shorten(fault.Recipient, 40), Shorten(fault.Error),
            }));
        _terminal.WriteLine($"{page.Items.Count} of {page.Matched}; the queue holds {FaultsAct.Messages(page.Count)}{AsOf(page.LookedAt)}.");
    }

    private void WriteDetails(FaultDetails details)
    {
        var fault = details.Fault;
        foreach (var (name, value) in new[]
            {
                ("Id", fault.Id),
                ("Queue", $"{details.Endpoint}/{details.Queue.Word()}"),
                ("Subject", fault.Subject),
                ("Recipient", fault.Recipient),
                ("Message id", fault.MessageId),
                ("Trace id", details.TraceId),
                ("Failed", Time(fault.FailedAt)),
                ("Exception", fault.ExceptionType),
                ("Error", fault.Error),
                ("Group", fault.Group),
                ("Tried", $"{details.Retries} retries, {details.Redeliveries} redeliveries, {fault.Replays} replays"),
                ("What next", details.Explanation),
                ("Parked", Time(fault.ParkedAt)),
                ("Reason", fault.ParkedReason),
                ("Content type", details.ContentType),
            })
        {
            if (!string.IsNullOrEmpty(value))
            {
                _terminal.WriteLine($"{name,-14}{value}");
            }
        }

        Section("Body", details.HexDump ?? details.Text);
        Section("Headers", string.Join('\n', details.Headers.Where(header => header.Name != MessageHeaders.FaultStackTrace).Select(header => $"{header.Name}: {header.Value.ReplaceLineEndings(" ")}")));
        Section("Stack trace", details.StackTrace);

        void Section(string name, string? text)
        {
            if (!string.IsNullOrEmpty(text))
            {
                _terminal.WriteLine();
                _terminal.WriteLine($"{name}:");
                _terminal.WriteLines(text);
            }
        }
    }

    private void WriteOperations(FaultOperation[] operations) => _terminal.WriteTable(
        ["ID", "STARTED", "WHO", "ACTION", "QUEUE", "STATE", "DONE", "TOTAL", "FILTER", "REASON", "ERROR"],
        operations.Select(operation => new[]
        {
            operation.Id,
            Time(operation.StartedAt),
            operation.Who,
            Lower(operation.Request.Action),
            $"{operation.Request.Endpoint}/{operation.Request.Queue.Word()}",
            Lower(operation.State),
            Text(operation.Done),
            Text(operation.Total),
            operation.Request.Filter.Describe(),
            operation.Request.Reason ?? "",
            operation.Error ?? "",
        }));

    private void WriteAudit(AuditEntry[] entries) => _terminal.WriteTable(
        ["AT", "WHO", "EVENT", "QUEUE", "COUNT", "SUBJECT", "MESSAGE", "OPERATION", "REASON"],
        entries.Select(entry => new[]
        {
            Time(entry.At), entry.Who, Lower(entry.Event), $"{entry.Endpoint}/{entry.Queue.Word()}", Text(entry.Count), entry.Subject ?? "", entry.FaultId ?? "", entry.Operation ?? "", entry.Reason ?? "",
        }));

    private static string Lower(Enum value) => value.ToString().ToLowerInvariant();
}

using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Orders.FaultQueues.Http;
using Orders.FaultQueues.Operations;
using Orders.FaultQueues.Queues;
using Orders.ServiceDefaults.CommandLine;

namespace Orders.FaultQueues.CommandLine;

/// <summary>Acts on messages: says first what will be done, asks, begins, and watches until the end.</summary>
internal sealed class FaultsAct(FaultsClient client, Terminal terminal, bool json)
{
    private static readonly TimeSpan AskAgainAfter = TimeSpan.FromMilliseconds(250);

    /// <summary>The time between two lines of progress that stay: a log should not be filled with them.</summary>
    private static readonly TimeSpan BetweenLines = TimeSpan.FromSeconds(5);

    public static string Messages(long count) => count == 1 ? "1 message" : string.Create(CultureInfo.InvariantCulture, $"{count} messages");

    public async Task<int> RunAsync(
        FaultQueue queue, FaultAction action, ActRequest request, bool yes, bool detach, CancellationToken cancellationToken)
    {
        if (!request.DryRun && !yes && !terminal.CanAsk)
        {
            throw new FaultsCommandException("Nobody is there to be asked: give --yes, or --dry-run to count the messages only.", FaultsCommand.Misused);
        }

        var verb = action.ToString().ToLowerInvariant();
        var path = $"{queue.Path}/{verb}";
        var answer = await client.SendAsync(HttpMethod.Post, path, request with { DryRun = true }, cancellationToken);
        var count = client.Read<ActResult>(answer).Count;
        var what = $"{verb} {Messages(count)} of the {queue.Kind.Word()} queue of {queue.Endpoint} ({(request.All ? "all" : $"filter: {request.Filter!.Describe()}")}).";
        if (request.DryRun || count == 0)
        {
            Say($"This would {what}", answer);
            return FaultsCommand.Done;
        }

        if (!yes)
        {
            // Not among the JSON.
            await terminal.Error.WriteAsync(Terminal.Neutralise($"This will {what} Go on? [y/N] "));
            await terminal.Error.FlushAsync(cancellationToken);
            if (await terminal.In.ReadLineAsync(cancellationToken) is not ("y" or "Y" or "yes"))
            {
                throw new FaultsCommandException("Nothing was done.");
            }
        }
        else if (!json)
        {
            terminal.WriteLine($"This will {what}");
        }

        // What has come in since it was counted is not touched.
        answer = await client.SendAsync(HttpMethod.Post, path, request with { AtMost = count }, cancellationToken);
        var operation = client.Read<ActResult>(answer).Operation
            ?? throw new FaultsCommandException("The program at this address is of another release: its answer names no operation. Look for it with: faults operations");
        if (detach)
        {
            // What a watched operation is written as too.
            using var began = JsonDocument.Parse(answer);
            Say($"Operation {operation.Id} has begun. {HowToCancel(operation)}", began.RootElement.GetProperty("operation").GetRawText());
            return FaultsCommand.Done;
        }

        return await WatchAsync(operation, cancellationToken);
    }

    private async Task<int> WatchAsync(FaultOperation operation, CancellationToken cancellationToken)
    {
        var answer = "";
        var lastLine = Stopwatch.StartNew();
        try
        {
            while (true)
            {
                answer = await client.SendAsync(HttpMethod.Get, $"operations/{operation.Id}", null, cancellationToken);
                operation = client.Read<FaultOperation>(answer);
                if (operation.State != OperationState.Running)
                {
                    break;
                }

                if (!json && terminal.CanRewrite)
                {
                    terminal.Rewrite(ProgressOf(operation));
                }
                else if (!json && lastLine.Elapsed >= BetweenLines)
                {
                    terminal.WriteLine(ProgressOf(operation));
                    lastLine.Restart();
                }

                await Task.Delay(AskAgainAfter, cancellationToken);
            }
        }
        catch (OperationCanceledException)
        {
            throw new FaultsCommandException($"Operation {operation.Id} goes on. {HowToCancel(operation)}");
        }

        if (terminal.CanRewrite && !json)
        {
            terminal.Rewrite(ProgressOf(operation));
            terminal.EndRewriting();
        }
        else
        {
            Say(ProgressOf(operation), answer);
        }

        return operation.State == OperationState.Done
            ? FaultsCommand.Done
            : throw new FaultsCommandException(
                $"Operation {operation.Id} {(operation.State == OperationState.Cancelled ? "was cancelled" : "failed")}. {operation.Error}".TrimEnd());
    }

    private static string ProgressOf(FaultOperation operation)
    {
        var done = operation.Request.Action switch
        {
            FaultAction.Replay => "replayed",
            FaultAction.Park => "parked",
            _ => "discarded",
        };
        var gone = operation.Gone == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $", {operation.Gone} had gone");
        var refused = operation.Refused == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $", {operation.Refused} stay where they were");
        return string.Create(CultureInfo.InvariantCulture, $"Operation {operation.Id}: {operation.Done} of {operation.Total} {done}{gone}{refused}.");
    }

    private static string HowToCancel(FaultOperation operation) => $"To cancel it: faults cancel {operation.Id}";

    /// <summary>Says something to people, or shows programs the answer that it was made from.</summary>
    private void Say(string text, string answer)
    {
        if (json)
        {
            terminal.Out.WriteLine(answer);
        }
        else
        {
            terminal.WriteLine(text);
        }
    }
}

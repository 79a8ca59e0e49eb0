using System.Collections.Concurrent;
using System.Diagnostics;
using System.Security.Cryptography;
using Microsoft.Extensions.Options;
using Orders.FaultQueues.Audit;
using Orders.FaultQueues.Inspection;
using Orders.FaultQueues.Live;
using Orders.FaultQueues.Queues;
using Orders.Messaging;

namespace Orders.FaultQueues.Operations;

/// <summary>
/// Carries out what people ask to be done to faults, whether or not they stay to watch. An operation knows from its
/// start which messages it is about, takes its turns with everybody else who wants the queue, and ends with this
/// process: what it has not come to stays where it is.
/// </summary>
public sealed partial class FaultOperations(
    FaultEndpoints endpoints,
    FaultLooks looks,
    FaultInspector inspector,
    FaultMover mover,
    IFaultRights rights,
    IAuditTrail audit,
    FaultFeed feed,
    IOptions<FaultsOptions> options,
    TimeProvider clock,
    IHostApplicationLifetime lifetime,
    ILogger<FaultOperations> logger) : IHostedService
{
    /// <summary>How many operations are remembered after they have ended.</summary>
    private const int Remembered = 100;

    /// <summary>The least time from one turn to the next; where turns take longer, it is as long as the last one.</summary>
    private static readonly TimeSpan ShortestPause = TimeSpan.FromMilliseconds(100);

    /// <summary>How long an operation puts up with a broker that is away.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    /// <summary>
    /// How long a broker that is back may take to put back what it had handed out: a quorum queue notices only after its start
    /// that those who held messages are gone.
    /// </summary>
    private static readonly TimeSpan LateReturn = TimeSpan.FromSeconds(10);

    private readonly ConcurrentDictionary<string, Running> _operations = new();

    /// <summary>The operations of this process, the newest first.</summary>
    public IReadOnlyList<FaultOperation> GetAll() =>
        [.. _operations.Values.Select(running => running.State).OrderByDescending(operation => operation.StartedAt)];

    /// <summary>An operation of this process.</summary>
    public FaultOperation? Find(string id) => _operations.GetValueOrDefault(id)?.State;

    /// <summary>The dry run: how many messages the operation would be about.</summary>
    /// <exception cref="MissingRightException">It could not be carried out.</exception>
    public async Task<int> CountAsync(FaultRequest request, CancellationToken cancellationToken)
    {
        await rights.RequireAsync(QueueOf(request), request.Action.Need(), cancellationToken);
        return (await MatchAsync(request, cancellationToken)).Count;
    }

    /// <summary>Starts an operation and returns at once.</summary>
    /// <param name="request">A request that <see cref="FaultRequest.Validate"/> finds nothing wrong with.</param>
    /// <param name="who">The name of the user.</param>
    /// <param name="cancellationToken">Ends the look that finds the messages; the operation itself is ended by <see cref="CancelAsync"/>.</param>
    /// <exception cref="MissingRightException">It cannot be carried out.</exception>
    public async Task<FaultOperation> StartAsync(FaultRequest request, string who, CancellationToken cancellationToken)
    {
        if (request.Validate() is { Count: > 0 } mistakes)
        {
            throw new ArgumentException(mistakes.First().Value[0], nameof(request));
        }

        var queue = QueueOf(request);
        await rights.RequireAsync(queue, request.Action.Need(), cancellationToken);
        var ids = await MatchAsync(request, cancellationToken);
        var operation = new FaultOperation(
            RandomNumberGenerator.GetHexString(8, lowercase: true), who, request, OperationState.Running, ids.Count, 0, 0, 0, clock.GetUtcNow());
        await audit.WriteAsync(
            new AuditEntry(operation.StartedAt, who, AuditEvent.Begin, request.Endpoint, request.Queue, Reason: Describe(request), Operation: operation.Id, Count: ids.Count),
            cancellationToken);

        var running = new Running(operation, CancellationTokenSource.CreateLinkedTokenSource(lifetime.ApplicationStopping));
        Forget();
        _operations[operation.Id] = running;
        feed.Tell(new OperationProgress(operation));
        Log.Began(logger, who, request.Action, ids.Count, queue, operation.Id);
        running.Task = Task.Run(() => RunAsync(running, ids), CancellationToken.None);
        return operation;
    }

    /// <summary>Ends an operation after the messages that it is at.</summary>
    /// <returns>The operation, <c>null</c> where this process has none of this id.</returns>
    public async Task<FaultOperation?> CancelAsync(string id)
    {
        if (!_operations.TryGetValue(id, out var running))
        {
            return null;
        }

        if (running.State.State == OperationState.Running)
        {
            await running.Cancelled.CancelAsync();
            await running.Task;
        }

        return running.State;
    }

    /// <summary>Waits until an operation has ended.</summary>
    public async Task<FaultOperation?> WaitAsync(string id, CancellationToken cancellationToken)
    {
        if (!_operations.TryGetValue(id, out var running))
        {
            return null;
        }

        await running.Task.WaitAsync(cancellationToken);
        return running.State;
    }

    /// <summary>Replays one message with another body, under a new id. The old one is kept in its header.</summary>
    /// <returns>Whether the message was still there.</returns>
    /// <exception cref="InvalidOperationException">Editing is not switched on.</exception>
    /// <exception cref="MissingRightException">Nothing can be replayed from there.</exception>
    public async Task<bool> ReplayEditedAsync(
        FaultQueue queue, string id, ReadOnlyMemory<byte> body, string? contentType, string? reason, string who, CancellationToken cancellationToken)
    {
        if (!options.Value.AllowEditing)
        {
            throw new InvalidOperationException("Editing is switched off. Faults__AllowEditing switches it on.");
        }

        await rights.RequireAsync(queue, FaultNeed.Replay, cancellationToken);
        await using var session = await looks.OpenAsync(queue, cancellationToken);
        if (session is null)
        {
            return false;
        }

        await foreach (var held in session.ReadAsync(cancellationToken))
        {
            if (FaultReading.IdOf(held.Message) == id)
            {
                // Not to be given up half way: the caller would not know whether it was done.
                await mover.ReplayEditedAsync(
                    session, queue, held, body, contentType ?? held.Message.ContentType, new OnBehalf(who, reason), CancellationToken.None);
                var subject = queue.Endpoint.SubjectOf(held.Message);
                Log.Edited(logger, who, subject);
                return true;
            }
        }

        return false;
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Waits for the operations to end; they are told by the host that it is stopping.</summary>
    public Task StopAsync(CancellationToken cancellationToken) =>
        Task.WhenAll(_operations.Values.Select(running => running.Task)).WaitAsync(cancellationToken);

    private async Task<IReadOnlyList<string>> MatchAsync(FaultRequest request, CancellationToken cancellationToken)
    {
        var ids = await inspector.MatchAsync(QueueOf(request), request.Filter, cancellationToken);
        return request.AtMost is { } atMost && atMost < ids.Count ? [.. ids.Take(atMost)] : ids;
    }

    private async Task RunAsync(Running running, IReadOnlyList<string> ids)
    {
        var end = OperationState.Done;
        string? error = null;
        try
        {
            await WorkAsync(running, ids);
            if (running.Refusal is { } refusal)
            {
                end = OperationState.Failed;
                error = $"{running.State.Refused} of {running.State.Total} messages stay where they were. {refusal}";
            }
        }
        catch (OperationCanceledException) when (running.Cancelled.IsCancellationRequested && running.State.Done == running.State.Total)
        {
            // It only looked out for what might have come back.
        }
        catch (OperationCanceledException) when (running.Cancelled.IsCancellationRequested)
        {
            end = OperationState.Cancelled;
            error = lifetime.ApplicationStopping.IsCancellationRequested ? "The program was stopped." : null;
        }
        catch (Exception exception)
        {
            end = OperationState.Failed;
            error = exception.GetBaseException().Message;
        }

        running.State = running.State with { State = end, EndedAt = clock.GetUtcNow(), Error = error };
        feed.Tell(new OperationProgress(running.State));
        var outcome = error is null ? end.ToString().ToLowerInvariant() : $"{end.ToString().ToLowerInvariant()}: {error}";
        Log.Ended(logger, running.State.Id, running.State.Done, running.State.Total, outcome);
        try
        {
            using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(10));
            await audit.WriteAsync(
                new AuditEntry(
                    running.State.EndedAt!.Value,
                    running.State.Who,
                    AuditEvent.End,
                    running.State.Request.Endpoint,
                    running.State.Request.Queue,
                    Reason: outcome,
                    Operation: running.State.Id,
                    Count: running.State.Done),
                timeout.Token);
        }
        catch (Exception exception)
        {
            Log.EndNotRecorded(logger, running.State.Id, exception.GetBaseException().Message);
        }
    }

    private async Task WorkAsync(Running running, IReadOnlyList<string> ids)
    {
        // Two messages may be alike to the last byte: a crash repeats a step.
        var remaining = new ConcurrentDictionary<string, int>(ids.CountBy(id => id));
        var moved = new ConcurrentDictionary<string, int>();
        var wasInterrupted = false;
        long? backSince = null;
        var rate = running.State.Request.Rate ?? options.Value.Rate;
        var began = clock.GetTimestamp();
        var lastProgress = began;

        while (!remaining.IsEmpty || wasInterrupted)
        {
            var turn = clock.GetTimestamp();
            try
            {
                var sawAll = Allowed() > 0 && await TakeTurnAsync(running, remaining, moved, wasInterrupted, Allowed);
                if (sawAll && (!wasInterrupted || (backSince is { } since && clock.GetElapsedTime(since, turn) >= LateReturn)))
                {
                    running.Update(state => state with { Gone = state.Gone + remaining.Values.Sum() }, feed);
                    return;
                }

                lastProgress = clock.GetTimestamp();
                backSince ??= lastProgress;
            }
            catch (FaultQueueBusyException exception) when (clock.GetElapsedTime(lastProgress) < Patience)
            {
                Log.Interrupted(logger, running.State.Id, exception.Message);
            }
            catch (Exception exception) when (exception is not (OperationCanceledException or MissingRightException or MissingLockException) && clock.GetElapsedTime(lastProgress) < Patience)
            {
                // The broker is away, most likely: what was held is back in its queue. No broker promises that an
                // acknowledgement outlives it, so what was moved may come back as well, even behind everything else.
                Log.Interrupted(logger, running.State.Id, exception.GetBaseException().Message);
                wasInterrupted = true;
                backSince = null;
                await Task.Delay(TimeSpan.FromSeconds(1), clock, running.Cancelled.Token);
            }

            if (!remaining.IsEmpty || wasInterrupted)
            {
                var next = TimeSpan.FromSeconds(running.State.Done / rate) - clock.GetElapsedTime(began);
                var pause = new[] { next, ShortestPause, clock.GetElapsedTime(turn) }.Max();
                await Task.Delay(pause, clock, running.Cancelled.Token);
            }
        }

        // The first one at once, the others as their time comes.
        int Allowed() => (int)Math.Min(int.MaxValue, (clock.GetElapsedTime(began).TotalSeconds * rate) + 1) - running.State.Done - running.State.Refused;
    }

    /// <returns>Whether the queue was read to its end, so that what remains is not in it.</returns>
    private async Task<bool> TakeTurnAsync(
        Running running, ConcurrentDictionary<string, int> remaining, ConcurrentDictionary<string, int> moved, bool wasInterrupted, Func<int> allowed)
    {
        var cancelled = running.Cancelled.Token;
        await using var session = await looks.OpenAsync(QueueOf(running.State.Request), cancelled);
        if (session is null)
        {
            return true;
        }

        var time = new FaultTurnTime(clock, looks.DurationOf(QueueOf(running.State.Request)));
        await foreach (var portion in session.ReadPortionsAsync(Choose, () => Math.Clamp(allowed(), 1, FaultTurn.InFlight), cancelled))
        {
            // While a long queue is read, the time of more of them comes.
            var now = portion.Take(allowed()).ToList();
            if (now.Count == 0 || !time.IsLeft())
            {
                return false;
            }

            // Not cancelled half way, where nobody could say whether it was done.
            await time.SpendAsync(() => Task.WhenAll(now.Select(found => MoveOrLetGoAsync(running, session, found.Held, found.Id, remaining, moved))));
            if (now.Count < portion.Count)
            {
                return false;
            }

            if (remaining.IsEmpty && !wasInterrupted)
            {
                return true;
            }
        }

        return true;

        Found? Choose(HeldFault held)
        {
            var id = FaultReading.IdOf(held.Message);
            return remaining.ContainsKey(id) || (wasInterrupted && moved.ContainsKey(id)) ? new Found(held, id) : null;
        }
    }

    /// <summary>Moves a message, or takes it out of the queue where it has been moved before.</summary>
    private async Task MoveOrLetGoAsync(
        Running running, IFaultSession session, HeldFault held, string id, ConcurrentDictionary<string, int> remaining, ConcurrentDictionary<string, int> moved)
    {
        if (TakeOne(remaining, id))
        {
            try
            {
                await MoveAsync(session, held, running.State);
            }
            catch (RepublishRefusedException refused) when (refused.LeavesMessage(QueueOf(running.State.Request).Endpoint))
            {
                running.Refusal = refused.Message;
                running.Update(state => state with { Refused = state.Refused + 1 }, feed);
                Log.Refused(logger, running.State.Id, SubjectOf(running, held), refused.Message);
                return;
            }
            catch
            {
                remaining.AddOrUpdate(id, 1, (_, count) => count + 1);
                throw;
            }

            moved.AddOrUpdate(id, 1, (_, count) => count + 1);
            running.Update(state => state with { Done = state.Done + 1 }, feed);
        }
        else if (TakeOne(moved, id))
        {
            await session.CompleteAsync(held, CancellationToken.None);
            var subject = SubjectOf(running, held);
            Log.LetGo(logger, running.State.Id, subject);
        }
    }

    /// <returns>Whether there was one to take.</returns>
    private static bool TakeOne(ConcurrentDictionary<string, int> counts, string id)
    {
        while (counts.TryGetValue(id, out var count))
        {
            if (count == 1 ? counts.TryRemove(KeyValuePair.Create(id, count)) : counts.TryUpdate(id, count - 1, count))
            {
                return true;
            }
        }

        return false;
    }

    private Task MoveAsync(IFaultSession session, HeldFault held, FaultOperation operation)
    {
        var (queue, by) = (QueueOf(operation.Request), new OnBehalf(operation.Who, operation.Request.Reason, operation.Id));
        return operation.Request.Action switch
        {
            FaultAction.Replay => mover.ReplayAsync(
                session, queue, held, queue.Kind == FaultQueueKind.Parked ? 0 : held.Message.RedeliverCount + 1, by, CancellationToken.None),
            FaultAction.Park => ParkAsync(session, queue.Endpoint, held, $"Parked by {by.Who}: {by.Reason}", by),
            FaultAction.Discard => mover.DiscardAsync(session, queue.Endpoint, held, by, CancellationToken.None),
            var action => throw new InvalidOperationException($"There is no action {action}."),
        };
    }

    private async Task ParkAsync(IFaultSession session, FaultEndpoint endpoint, HeldFault held, string reason, OnBehalf by)
    {
        await mover.ParkAsync(session, endpoint, held, reason, by, CancellationToken.None);
        var subject = endpoint.SubjectOf(held.Message);
        Log.Parked(logger, subject, endpoint.ParkingQueue, reason);
    }

    private string? SubjectOf(Running running, HeldFault held) => QueueOf(running.State.Request).Endpoint.SubjectOf(held.Message);

    private FaultQueue QueueOf(FaultRequest request) => new(endpoints.Get(request.Endpoint), request.Queue);

    private static string Describe(FaultRequest request) =>
        $"{request.Action.ToString().ToLowerInvariant()} {request.Filter.Describe()}" + (request.Reason is null ? "" : $": {request.Reason}");

    private void Forget()
    {
        foreach (var old in GetAll().Where(operation => operation.State != OperationState.Running).Skip(Remembered - 1))
        {
            if (_operations.TryRemove(old.Id, out var running))
            {
                running.Cancelled.Dispose();
            }
        }
    }

    private sealed record Found(HeldFault Held, string Id);

    private sealed class Running(FaultOperation operation, CancellationTokenSource cancelled)
    {
        private readonly Lock _updating = new();
        private long _told;

        public volatile FaultOperation State = operation;

        public CancellationTokenSource Cancelled { get; } = cancelled;

        public Task Task { get; set; } = Task.CompletedTask;

        /// <summary>Why the broker did not take the last of those that stay.</summary>
        public string? Refusal { get; set; }

        /// <summary>Changes the state; tells of it a few times a second at most.</summary>
        public void Update(Func<FaultOperation, FaultOperation> change, FaultFeed feed)
        {
            lock (_updating)
            {
                State = change(State);
                if (Stopwatch.GetElapsedTime(_told) > TimeSpan.FromMilliseconds(200))
                {
                    _told = Stopwatch.GetTimestamp();
                    feed.Tell(new OperationProgress(State));
                }
            }
        }
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 220, Level = LogLevel.Information, Message = "{Who} began to {Action} {Count} messages of {Queue} (operation {Operation})")]
        public static partial void Began(ILogger logger, string who, FaultAction action, int count, FaultQueue queue, string operation);

        [LoggerMessage(EventId = 221, Level = LogLevel.Information, Message = "Operation {Operation} ended after {Done} of {Total} messages, {Outcome}")]
        public static partial void Ended(ILogger logger, string operation, int done, int total, string outcome);

        [LoggerMessage(EventId = 222, Level = LogLevel.Warning, Message = "Operation {Operation} was interrupted and goes on: {Error}")]
        public static partial void Interrupted(ILogger logger, string operation, string error);

        [LoggerMessage(EventId = 223, Level = LogLevel.Error, Message = "The end of operation {Operation} could not be recorded: {Error}")]
        public static partial void EndNotRecorded(ILogger logger, string operation, string error);

        [LoggerMessage(EventId = 224, Level = LogLevel.Information, Message = "{Who} edited and replayed the message about {Subject}")]
        public static partial void Edited(ILogger logger, string who, string? subject);

        [LoggerMessage(EventId = 227, Level = LogLevel.Critical, Message = "The message about {Subject} is parked in {Queue} and waits for a person. {Reason}")]
        public static partial void Parked(ILogger logger, string? subject, string queue, string reason);

        [LoggerMessage(EventId = 226, Level = LogLevel.Error, Message = "Operation {Operation} leaves the message about {Subject} where it is. {Refusal}")]
        public static partial void Refused(ILogger logger, string operation, string? subject, string refusal);

        [LoggerMessage(EventId = 225, Level = LogLevel.Information, Message = "Operation {Operation} took the message about {Subject} out of the queue, which it had moved before the broker was away")]
        public static partial void LetGo(ILogger logger, string operation, string? subject);
    }
}

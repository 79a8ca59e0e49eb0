using System.Collections.Concurrent;
using Orders.Messaging;
using RabbitMQ.Client.Exceptions;

namespace Orders.FaultQueues.Queues;

/// <summary>
/// Finds out which rights the broker's user lacks. What is allowed is asked once. What is refused is asked again after a minute, as the
/// broker writes each refusal into its log.
/// </summary>
/// <remarks>
/// Whether a queue may be read is asked while it is empty. One that holds messages is looked at anyway, and who does so reports a
/// refusal here.
/// </remarks>
internal sealed partial class RabbitMqFaultRights(
    FaultEndpoints endpoints, RabbitMqConnection broker, TimeProvider clock, ILogger<RabbitMqFaultRights> logger) : IFaultRights, IDisposable
{
    /// <summary>What RabbitMQ calls the default exchange where rights are concerned.</summary>
    private const string DefaultExchange = "amq.default";

    private static readonly TimeSpan LookAgainAfter = TimeSpan.FromMinutes(1);

    /// <summary>How long the broker may take for one question.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    private TimeProvider Clock => clock;

    private RabbitMqConnection Broker => broker;

    private string AuditStream => endpoints.AuditStream;

    private readonly Dictionary<string, FaultQueue> _queues = endpoints.Queues.ToDictionary(queue => queue.Name, StringComparer.Ordinal);
    private readonly ConcurrentDictionary<Question, Known> _answers = new();
    private readonly SemaphoreSlim _asking = new(1, 1);

    /// <summary>What is asked about a name.</summary>
    private enum Topic
    {
        DeclareLock,
        Declare,
        Write,
        Read,
        ReadLock,
        ReadStream,
        Queue,
        Exchange,
    }

    public Task<IReadOnlyList<MissingRight>> FindMissingAsync(FaultQueue queue, CancellationToken cancellationToken, TimeSpan? trust = null) =>
        new Search(this, queue, trust ?? LookAgainAfter, cancellationToken).RunAsync();

    /// <summary>The queue of faults of that name; <c>null</c> where there is none.</summary>
    public FaultQueue? Find(string queue) => _queues.GetValueOrDefault(queue);

    /// <summary>Whether to declare the lock of a queue, as far as is known.</summary>
    public bool MayDeclareLock(string queue) =>
        broker.DeclaresTopology && !(_answers.TryGetValue(new Question(Topic.DeclareLock, RabbitMqTurn.NameFor(queue)), out var known) && known.Answer == ProbeAnswer.Refused);

    /// <summary>Spares the broker a question that it has refused a moment ago.</summary>
    /// <exception cref="MissingRightException">The queue may not be read.</exception>
    public void ThrowIfUnreadable(string queue)
    {
        if (_answers.TryGetValue(new Question(Topic.Read, queue), out var known) && known.Answer == ProbeAnswer.Refused && clock.GetElapsedTime(known.At) < LookAgainAfter)
        {
            throw Unreadable(queue);
        }
    }

    /// <summary>Takes note that a queue may not be read.</summary>
    public MissingRightException RefusedToRead(string queue)
    {
        Learn(Topic.Read, queue);
        return Unreadable(queue);
    }

    /// <summary>Takes note that nothing may be published to an exchange.</summary>
    public MissingRightException RefusedToWrite(string exchange, params IReadOnlyList<FaultNeed> needs)
    {
        Learn(Topic.Write, exchange);
        return new MissingRightException(MakeMissing(BrokerRight.Write, exchange, needs));
    }

    /// <summary>Takes note that a queue may not be declared.</summary>
    public MissingRightException RefusedToDeclare(string queue, params IReadOnlyList<FaultNeed> needs)
    {
        Learn(Topic.Declare, queue);
        return new MissingRightException(MakeMissing(BrokerRight.Configure, queue, needs));
    }

    /// <summary>Has everything about a name asked anew.</summary>
    public void Forget(string name)
    {
        foreach (var question in _answers.Keys.Where(question => question.Name == name))
        {
            _answers.TryRemove(question, out _);
        }
    }

    public void Dispose() => _asking.Dispose();

    private MissingRightException Unreadable(string queue) => new(MakeMissing(BrokerRight.Read, queue, [FaultNeed.Look, .. Find(queue)?.Kind.Moves() ?? []]));

    /// <param name="right">The right.</param>
    /// <param name="name">What it is for: a queue or an exchange, where no name means the default exchange.</param>
    /// <param name="needs">What cannot be done without it.</param>
    private MissingRight MakeMissing(BrokerRight right, string name, IReadOnlyList<FaultNeed> needs) =>
        MissingRight.Of(broker.Username, right, name.Length == 0 ? DefaultExchange : name, needs);

    private void Learn(Topic topic, string name) => _answers[new Question(topic, name)] = new Known(ProbeAnswer.Refused, clock.GetTimestamp());

    /// <param name="question">What to ask.</param>
    /// <param name="isGood">Whether an answer still counts.</param>
    /// <param name="cancellationToken">Gives up.</param>
    private async Task<Known> AskAsync(Question question, Func<Known, bool> isGood, CancellationToken cancellationToken)
    {
        if (_answers.TryGetValue(question, out var known) && isGood(known))
        {
            return known;
        }

        await _asking.WaitAsync(cancellationToken);
        try
        {
            return _answers.TryGetValue(question, out known) && isGood(known) ? known
                : _answers[question] = new Known(await AskBrokerAsync(question, cancellationToken), clock.GetTimestamp());
        }
        finally
        {
            _asking.Release();
        }
    }

    private async Task<ProbeAnswer?> AskBrokerAsync(Question question, CancellationToken cancellationToken)
    {
        var connection = await broker.GetAsync(cancellationToken);
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        timeout.CancelAfter(Patience);
        var cancelled = timeout.Token;
        try
        {
            return question.Topic switch
            {
                Topic.DeclareLock => await BrokerProbe.AskAsync(connection, channel => RabbitMqTurn.DeclareAsync(channel, question.Name, cancelled), cancelled),
                Topic.Declare => await BrokerProbe.DeclareAsync(connection, question.Name, cancelled),
                Topic.Write => await BrokerProbe.WriteAsync(connection, question.Name, cancelled),
                Topic.Read => await BrokerProbe.ReadAsync(connection, question.Name, cancelled),
                Topic.ReadLock => await BrokerProbe.ConsumeAsync(connection, question.Name, [], cancelled),
                Topic.ReadStream => await BrokerProbe.ConsumeAsync(connection, question.Name, new() { ["x-stream-offset"] = "next" }, cancelled),
                Topic.Queue => await BrokerProbe.QueueAsync(connection, question.Name, cancelled),
                _ => await BrokerProbe.ExchangeAsync(connection, question.Name, cancelled),
            };
        }
        catch (Exception exception) when (
            connection.IsOpen && !cancellationToken.IsCancellationRequested && exception is OperationCanceledException or TimeoutException or OperationInterruptedException)
        {
            // A queue without a leader, most likely. Who uses it will be told.
            Log.NotFoundOut(logger, question.Topic, question.Name, exception);
            return null;
        }
    }

    private readonly record struct Question(Topic Topic, string Name);

    /// <param name="Answer">What the broker said; <c>null</c> where it did not say.</param>
    /// <param name="At">When.</param>
    private sealed record Known(ProbeAnswer? Answer, long At);

    /// <summary>One search for what is missing for a queue.</summary>
    private sealed class Search(RabbitMqFaultRights rights, FaultQueue queue, TimeSpan trust, CancellationToken cancellationToken)
    {
        private readonly IReadOnlyList<FaultNeed> _moves = queue.Kind.Moves();
        private readonly List<MissingRight> _missing = [];
        private readonly long _began = rights.Clock.GetTimestamp();
        private bool _asksAnew;

        public async Task<IReadOnlyList<MissingRight>> RunAsync()
        {
            await RequireAsync(Topic.Read, queue.Name, BrokerRight.Read, [FaultNeed.Look, .. _moves]);
            await FindForLockAsync(RabbitMqTurn.NameFor(queue.Name));
            await FindForAuditAsync(rights.AuditStream);
            await FindForReplayAsync();
            if (queue.Kind == FaultQueueKind.Error)
            {
                await FindForParkingAsync();
            }

            return _missing;
        }

        private async Task FindForLockAsync(string name)
        {
            var mayNotDeclare = rights.Broker.DeclaresTopology && await AskAsync(Topic.DeclareLock, name) == ProbeAnswer.Refused;
            var (write, read) = (await RequireAsync(Topic.Write, name, BrokerRight.Write, _moves), await RequireAsync(Topic.ReadLock, name, BrokerRight.Read, _moves));
            if (mayNotDeclare && (write == ProbeAnswer.NotThere || read == ProbeAnswer.NotThere))
            {
                Add(BrokerRight.Configure, name, _moves);
            }
        }

        private async Task FindForAuditAsync(string stream)
        {
            if (await RequireAsync(Topic.Write, stream, BrokerRight.Write, _moves) == ProbeAnswer.NotThere)
            {
                await RequireToDeclareAsync(stream, _moves);
            }

            await RequireAsync(Topic.ReadStream, stream, BrokerRight.Read, [FaultNeed.Audit]);
        }

        private async Task FindForReplayAsync()
        {
            if (queue.Endpoint.IsForeign && !await HasExchangeAsync(queue.Endpoint.Queue))
            {
                await RequireAsync(Topic.Write, "", BrokerRight.Write, [FaultNeed.Replay]);
            }
            else
            {
                await RequireAsync(Topic.Write, queue.Endpoint.Queue, BrokerRight.Write, [FaultNeed.Replay]);
            }
        }

        private async Task FindForParkingAsync()
        {
            var parking = queue.Endpoint.ParkingQueue;
            if (queue.Endpoint.IsForeign && !await HasExchangeAsync(parking))
            {
                if (await AskAsync(Topic.Queue, parking) == ProbeAnswer.Allowed)
                {
                    await RequireAsync(Topic.Write, "", BrokerRight.Write, [FaultNeed.Park]);
                    return;
                }

                await RequireToDeclareAsync(parking, [FaultNeed.Park]);
            }

            await RequireAsync(Topic.Write, parking, BrokerRight.Write, [FaultNeed.Park]);
        }

        /// <remarks>Where the user may not know, it is there: then the right to write to it is what is missing.</remarks>
        private async Task<bool> HasExchangeAsync(string name) => await AskAsync(Topic.Write, name) switch
        {
            ProbeAnswer.NotThere => false,
            ProbeAnswer.Refused => await AskAsync(Topic.Exchange, name) != ProbeAnswer.NotThere,
            _ => true,
        };

        private Task RequireToDeclareAsync(string name, IReadOnlyList<FaultNeed> needs) =>
            rights.Broker.DeclaresTopology ? RequireAsync(Topic.Declare, name, BrokerRight.Configure, needs) : Task.CompletedTask;

        /// <summary>Notes a right as missing where it is refused.</summary>
        private async Task<ProbeAnswer?> RequireAsync(Topic topic, string name, BrokerRight right, IReadOnlyList<FaultNeed> needs)
        {
            var answer = await AskAsync(topic, name);
            if (answer == ProbeAnswer.Refused)
            {
                Add(right, name, needs);
            }

            return answer;
        }

        private void Add(BrokerRight right, string name, IReadOnlyList<FaultNeed> needs) => _missing.Add(rights.MakeMissing(right, name, needs));

        /// <remarks>Where one refusal is too old, all are: an administrator gives several rights at once.</remarks>
        private async Task<ProbeAnswer?> AskAsync(Topic topic, string name)
        {
            var question = new Question(topic, name);
            var wasRefused = rights._answers.TryGetValue(question, out var before) && before.Answer == ProbeAnswer.Refused;
            var known = await rights.AskAsync(question, IsGood, cancellationToken);
            _asksAnew |= wasRefused && known != before;
            return known.Answer;
        }

        private bool IsGood(Known known) => known.Answer switch
        {
            ProbeAnswer.Allowed or ProbeAnswer.NotThere => true,
            ProbeAnswer.Refused => known.At >= _began || (!_asksAnew && rights.Clock.GetElapsedTime(known.At) < trust),
            _ => rights.Clock.GetElapsedTime(known.At) < LookAgainAfter,
        };
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 260, Level = LogLevel.Debug, Message = "The broker does not say what its user may do with {Name} ({Topic})")]
        public static partial void NotFoundOut(ILogger logger, Topic topic, string name, Exception exception);
    }
}

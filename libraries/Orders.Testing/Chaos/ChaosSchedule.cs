namespace Orders.Testing.Chaos;

/// <summary>What is broken on purpose.</summary>
internal enum ChaosFault
{
    /// <summary>The broker's process is killed, and started again after a while.</summary>
    BrokerKilled,

    /// <summary>The broker is stopped in good order, and started again.</summary>
    BrokerStopped,

    /// <summary>The broker has no memory left and blocks whoever publishes.</summary>
    BrokerOutOfMemory,

    /// <summary>Nothing passes between the API and the broker, and nobody is told.</summary>
    ApiCutOff,

    /// <summary>Nothing passes between the workers and the broker, and nobody is told.</summary>
    WorkersCutOff,

    /// <summary>Every connection to the broker is closed at the same moment.</summary>
    ConnectionsClosed,

    /// <summary>The mail server takes no connections.</summary>
    MailServerGone,

    /// <summary>The mail server says 421 to everybody.</summary>
    MailServerOverloaded,

    /// <summary>The mail server takes emails and answers too late.</summary>
    MailServerSlow,

    /// <summary>The mail server takes emails and closes the connection without an answer.</summary>
    MailServerForgetsToAnswer,

    /// <summary>The mail server closes connections in the middle of emails.</summary>
    MailServerDropsInMidData,

    /// <summary>The mail server refuses every third recipient for now.</summary>
    MailServerRefusesEveryThird,

    /// <summary>A worker's process is killed, and started again.</summary>
    WorkerKilled,

    /// <summary>The process of the redeliver job and the alerts is killed, and started again.</summary>
    RedeliverKilled,

    /// <summary>The API's process is killed, and started again.</summary>
    ApiKilled,

    /// <summary>A message that is no order is put into the workers' queue.</summary>
    UnreadableMessage,
}

/// <summary>One act of a run.</summary>
/// <param name="At">When it begins, after the beginning of the run; later where the one before it took longer.</param>
/// <param name="Fault">What is broken.</param>
/// <param name="Lasts">How long it stays so.</param>
internal sealed record ChaosAct(TimeSpan At, ChaosFault Fault, TimeSpan Lasts);

/// <summary>
/// What is broken when, made of a seed: the same seed makes the same schedule. What happens to different parts of the
/// system overlaps; what happens to one part comes one after the other.
/// </summary>
internal static class ChaosSchedule
{
    private static readonly ChaosFault[][] Parts =
    [
        [
            ChaosFault.BrokerKilled, ChaosFault.BrokerStopped, ChaosFault.BrokerOutOfMemory,
            ChaosFault.ApiCutOff, ChaosFault.WorkersCutOff, ChaosFault.ConnectionsClosed,
        ],
        [
            ChaosFault.MailServerGone, ChaosFault.MailServerOverloaded, ChaosFault.MailServerSlow,
            ChaosFault.MailServerForgetsToAnswer, ChaosFault.MailServerDropsInMidData, ChaosFault.MailServerRefusesEveryThird,
        ],
        [ChaosFault.WorkerKilled, ChaosFault.RedeliverKilled, ChaosFault.ApiKilled, ChaosFault.WorkerKilled],
        [ChaosFault.UnreadableMessage],
    ];

    /// <summary>For each part of the system the acts of a run, in order.</summary>
    public static IReadOnlyList<IReadOnlyList<ChaosAct>> Make(int seed, TimeSpan duration)
    {
        var random = new Random(seed);
        return [.. Parts.Select(faults => MakePart(random, faults, duration))];
    }

    private static List<ChaosAct> MakePart(Random random, ChaosFault[] faults, TimeSpan duration)
    {
        var acts = new List<ChaosAct>();
        var at = TimeSpan.FromSeconds(random.Next(5, 15));
        var bag = new Queue<ChaosFault>();
        while (at < duration)
        {
            if (bag.Count == 0)
            {
                // Each of them before one comes again, so that a short run has all.
                var shuffled = faults.ToArray();
                random.Shuffle(shuffled);
                bag = new Queue<ChaosFault>(shuffled);
            }

            var act = new ChaosAct(at, bag.Dequeue(), TimeSpan.FromMilliseconds(random.Next(1_000, 10_000)));
            acts.Add(act);
            at += act.Lasts + TimeSpan.FromMilliseconds(random.Next(4_000, 24_000));
        }

        return acts;
    }
}

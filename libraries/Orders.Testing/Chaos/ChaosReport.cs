using System.Globalization;
using System.Text;
using Orders.Email.Smtp;
using Orders.FaultQueues;
using Orders.Testing.Faults;
using Orders.Messaging.Failures;
using Orders.Testing.Mail;

namespace Orders.Testing.Chaos;

/// <summary>What became of every order of a run.</summary>
internal sealed class ChaosReport
{
    private readonly List<string> _findings = [];
    private readonly IReadOnlyDictionary<string, int> _emails;
    private readonly int _afterKills;
    private readonly int _afterSilence;
    private readonly HashSet<string> _parked;
    private readonly IReadOnlyDictionary<string, Told> _told;
    private readonly ChaosOptions _options;
    private readonly ChaosLosses _losses;
    private readonly string _brokerVersion;
    private readonly TimeSpan _slowestAnswer;

    public ChaosReport(
        ChaosOptions options, string brokerVersion, Customers customers, ChaosLosses losses, IReadOnlyList<ReceivedMail> mails, IReadOnlyList<FaultMessage> parked)
    {
        (_options, _brokerVersion, _told, _losses, _slowestAnswer) = (options, brokerVersion, customers.Orders, losses, customers.SlowestAnswer);
        var confirmations = mails.Where(mail => MisbehavingMailServer.OrderOf(mail) is not null).ToArray();
        _emails = confirmations.CountBy(mail => MisbehavingMailServer.OrderOf(mail)!).ToDictionary();
        _parked = [.. parked.Select(message => message.OrderId).OfType<string>()];
        var alerted = mails.Where(mail => mail.Recipients.Contains(ChaosSystem.Operator)).Select(mail => mail.Subject).ToHashSet();
        var unreadable = parked.Count(message => message.Kind == FailureKind.Unreadable);

        Find("accepted, but neither emailed nor parked", Lost);
        Find("emailed, though nobody placed it", _emails.Keys.Where(order => !_told.ContainsKey(order)));
        Find("emailed or parked, though its customer was told that it was not placed", _emails.Keys.Concat(_parked).Where(order => _told.GetValueOrDefault(order) == Told.NotPlaced));
        Find("sent to somebody else", confirmations.Where(mail => !mail.Recipients.All(address => address.StartsWith($"{MisbehavingMailServer.OrderOf(mail)}@", StringComparison.Ordinal))).Select(mail => mail.MessageId));
        Find("parked without an alert", _parked.Where(order => !alerted.Contains($"Not confirmed: order {order}")));
        if (unreadable < losses.UnreadableConfirmed)
        {
            _findings.Add($"{losses.UnreadableConfirmed} unreadable messages were confirmed, {unreadable} are parked");
        }

        var kills = losses.SentAgain.CountBy(order => order).ToDictionary();
        var silences = confirmations.Where(MisbehavingMailServer.MayBeUnanswered).CountBy(mail => MisbehavingMailServer.OrderOf(mail)!).ToDictionary();
        var unexplained = new List<string>();
        foreach (var (order, count) in _emails)
        {
            var afterKills = Math.Min(count - 1, kills.GetValueOrDefault(order));
            var afterSilence = Math.Min(count - 1 - afterKills, silences.GetValueOrDefault(order));
            _afterKills += afterKills;
            _afterSilence += afterSilence;
            if (afterKills + afterSilence < count - 1)
            {
                unexplained.Add(order);
            }
        }

        // Whatever else leaves a claim behind would count as a killed worker otherwise.
        var most = losses.Acts.GetValueOrDefault(ChaosFault.WorkerKilled) * new SmtpOptions().PoolSize;
        if (_afterKills > most)
        {
            _findings.Add($"{_afterKills} emailed again as after a killed worker, though {most} at most were in hand when workers were killed");
        }

        Find("emailed again, though no worker was killed over its email and the mail server answered", unexplained);
    }

    /// <summary>Emails beyond the first of their order.</summary>
    public int Duplicates => _emails.Values.Sum(count => count - 1);

    /// <summary>What should not be, one line each; empty where all is explained.</summary>
    public IReadOnlyList<string> Unexplained => _findings;

    public int Accepted => _told.Values.Count(told => told == Told.Accepted);

    private IEnumerable<string> Lost =>
        from order in _told
        where order.Value == Told.Accepted && !_emails.ContainsKey(order.Key) && !_parked.Contains(order.Key)
        select order.Key;

    /// <summary>A table for people, with the command that repeats the run.</summary>
    public override string ToString()
    {
        var table = new StringBuilder();
        Line($"RabbitMQ {_brokerVersion}, seed {_options.Seed}, {_options.Duration.TotalMinutes:0.#} minutes");
        Row("orders tried", _told.Count);
        Row("accepted (202)", Accepted);
        Row("refused, not placed (503)", _told.Values.Count(told => told == Told.NotPlaced));
        Row("refused, outcome unknown (503, or no answer)", _told.Values.Count(told => told == Told.Unknown));
        Row("  of those placed all the same", _told.Count(order => order.Value == Told.Unknown && (_emails.ContainsKey(order.Key) || _parked.Contains(order.Key))));
        Row("orders emailed", _emails.Count);
        Row("orders parked", _parked.Count);
        Row("  of those emailed as well", _parked.Count(_emails.ContainsKey));
        Row("duplicate emails, each with the Message-ID of the first", Duplicates);
        Row("  a worker was killed over the first", _afterKills);
        Row("  the mail server took the first without an answer", _afterSilence);
        Row("lost", Lost.Count());
        Row("unexplained", _findings.Count);
        Line($"  slowest answer of the API: {_slowestAnswer.TotalSeconds.ToString("0.0", CultureInfo.InvariantCulture)} s");
        Line($"  broken on purpose: {string.Join(", ", _losses.Acts.Select(act => $"{act.Key} {act.Value}"))}");
        _findings.ForEach(finding => Line($"  UNEXPLAINED: {finding}"));
        return table.ToString();

        void Line(string line) => table.Append(line).Append('\n');
        void Row(string what, int count) => Line(string.Create(CultureInfo.InvariantCulture, $"  {what,-56}{count,8:N0}"));
    }

    private void Find(string what, IEnumerable<string> which)
    {
        if (which.ToArray() is { Length: > 0 } found)
        {
            _findings.Add($"{found.Length} {what}: {string.Join(", ", found.Take(5))}{(found.Length > 5 ? ", …" : "")}");
        }
    }
}

namespace Orders.Tests.Chaos;

/// <summary>Two minutes of chaos with a seed that never changes; <c>dotnet run --project Orders.Tests -- chaos</c> makes longer runs.</summary>
[TestFixtureSource(typeof(TestBrokers), nameof(TestBrokers.Kinds))]
[Long]
internal sealed class ChaosTests(BrokerKind kind)
{
    [Test]
    public async Task Whatever_breaks_every_accepted_order_ends_as_an_email_or_in_parking()
    {
        var report = await ChaosRun.RunAsync(new ChaosOptions(Seed: 20261126, TimeSpan.FromMinutes(2), kind), TestContext.Out);

        await TestContext.Out.WriteLineAsync(report.ToString());
        using (Assert.EnterMultipleScope())
        {
            Assert.That(report.Unexplained, Is.Empty);
            Assert.That(report.Accepted, Is.GreaterThan(100));
        }
    }
}

/// <summary>What counts as an explanation of an email that came twice.</summary>
internal sealed class ChaosReportTests
{
    [TestCase(false, 0.1, false)]
    [TestCase(true, 0.1, true)]
    [TestCase(false, 2.0, true)]
    [TestCase(false, null, true)]
    public void A_killed_worker_explains_a_second_email_and_so_does_a_mail_server_that_did_not_answer_the_first(bool killed, double? answeredAfter, bool isExplained)
    {
        using var customers = new Customers(new HttpClient(), new Random(1));
        var losses = new ChaosLosses { SentAgain = killed ? ["7"] : [] };
        if (killed)
        {
            losses.Add(ChaosFault.WorkerKilled);
        }

        var first = ReceivedMail.Parse("Message-ID: <order-confirmation-7@shop.example>\r\n\r\n", "", "7@customer.example");
        var second = ReceivedMail.Parse(first.Raw, "", first.Recipients);
        first.AnsweredAfter = answeredAfter is { } seconds ? TimeSpan.FromSeconds(seconds) : null;
        second.AnsweredAfter = TimeSpan.Zero;

        var report = new ChaosReport(new ChaosOptions(1, TimeSpan.FromMinutes(1), default), "4.3", customers, losses, [first, second], []);

        Assert.That(report.Duplicates, Is.EqualTo(1));
        Assert.That(report.Unexplained, isExplained ? Has.None.Contains("emailed again") : Has.One.Contains("1 emailed again"));
    }

    [Test]
    public void What_was_claimed_and_left_explains_nothing_where_no_worker_was_killed()
    {
        using var customers = new Customers(new HttpClient(), new Random(1));
        var mail = ReceivedMail.Parse("Message-ID: <order-confirmation-7@shop.example>\r\n\r\n", "", "7@customer.example");
        mail.AnsweredAfter = TimeSpan.Zero;

        var report = new ChaosReport(
            new ChaosOptions(1, TimeSpan.FromMinutes(1), default), "4.3", customers, new ChaosLosses { SentAgain = ["7"] }, [mail, mail], []);

        Assert.That(report.Unexplained, Has.One.StartsWith("1 emailed again as after a killed worker"));
    }
}

/// <summary>What makes a run one that can be repeated.</summary>
internal sealed class ChaosScheduleTests
{
    [Test]
    public void The_same_seed_makes_the_same_schedule_and_another_seed_another()
    {
        var schedule = ChaosSchedule.Make(7, TimeSpan.FromMinutes(30));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(ChaosSchedule.Make(7, TimeSpan.FromMinutes(30)), Is.EqualTo(schedule));
            Assert.That(ChaosSchedule.Make(8, TimeSpan.FromMinutes(30)), Is.Not.EqualTo(schedule));
        }
    }

    [Test]
    public void A_long_run_breaks_everything_that_can_be_broken()
    {
        var faults = ChaosSchedule.Make(1, TimeSpan.FromMinutes(30)).SelectMany(acts => acts).Select(act => act.Fault).Distinct();

        Assert.That(faults, Is.EquivalentTo(Enum.GetValues<ChaosFault>()));
    }
}

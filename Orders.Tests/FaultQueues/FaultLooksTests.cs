using Microsoft.Extensions.Options;
using Orders.FaultQueues;
using Orders.FaultQueues.Inspection;
using Orders.FaultQueues.Live;
using Orders.FaultQueues.Policy;
using Orders.FaultQueues.Queues;

namespace Orders.Tests.FaultQueues;

/// <summary>What lists and overviews say while somebody works on the queue.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class FaultLooksTests : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly ScriptedFaultTransport _transport = new(_ => { });
    private readonly TestClock _clock = new(new DateTimeOffset(2026, 11, 21, 12, 0, 0, TimeSpan.Zero));
    private readonly FaultFeed _feed = new();
    private readonly FaultLooks _looks;
    private readonly FaultInspector _inspector;

    public FaultLooksTests()
    {
        var reading = new FaultReading(new RedeliverPolicy(Options.Create(new ReplayOptions()), _clock));
        _looks = new FaultLooks(_transport, reading, _feed, _clock);
        _inspector = new FaultInspector(new FaultEndpoints([ConfirmationFaults.Endpoint]), _looks, reading, new ScriptedFaultRights(), _clock);
    }

    public ValueTask DisposeAsync() => _looks.DisposeAsync();

    [Test]
    public async Task A_queue_that_nobody_has_is_looked_at_anew()
    {
        _transport.Add(Fault("1"));
        var before = await ListAsync();
        _transport.Add(Fault("2"));

        var after = await ListAsync();

        Assert.That((OrdersIn(before), OrdersIn(after)), Is.EqualTo(("1", "1,2")));
    }

    [Test]
    public async Task A_queue_that_somebody_has_is_shown_as_the_last_look_found_it_and_says_when_that_was()
    {
        _transport.Add(Fault("1"), Fault("2", replays: 3));
        await ListAsync();
        var at = _clock.GetUtcNow();
        _transport.Add(Fault("3"));
        _transport.IsTaken = true;
        _clock.Advance(TimeSpan.FromMinutes(1));

        var page = await ListAsync();
        var filtered = await ListAsync(new FaultFilter { MinReplays = 3 });
        var groups = await _inspector.GroupAsync(ConfirmationFaults.Error, new FaultFilter(), CancellationToken.None);
        var overview = await OverviewAsync();
        var ids = await _inspector.MatchAsync(ConfirmationFaults.Error, new FaultFilter { OrderId = "2" }, CancellationToken.None);

        using (Assert.EnterMultipleScope())
        {
            Assert.That((OrdersIn(page), page.Count, page.Matched, page.LookedAt), Is.EqualTo(("1,2", 2, 2, at)));
            Assert.That((OrdersIn(filtered), filtered.Count, filtered.Matched), Is.EqualTo(("2", 2, 1)));
            Assert.That((groups.LookedAt, groups.Groups.Single().Count), Is.EqualTo((at, 2)));
            Assert.That((overview.LookedAt, overview.Count, overview.Groups.Single().Count), Is.EqualTo((at, 2, 2)));
            Assert.That(ids, Is.EqualTo([page.Items[1].Id]));
        }
    }

    [Test]
    public async Task What_only_the_queue_itself_can_tell_waits_for_it()
    {
        _transport.Add(Fault("1"));
        var id = (await ListAsync()).Items[0].Id;
        _transport.IsTaken = true;

        using (Assert.EnterMultipleScope())
        {
            await Assert.ThrowsAsync<FaultQueueBusyException>(() => ListAsync(new FaultFilter { Text = "refused" }));
            await Assert.ThrowsAsync<FaultQueueBusyException>(() => _inspector.FindAsync(ConfirmationFaults.Error, id, CancellationToken.None));
        }
    }

    [Test]
    public async Task A_first_look_that_somebody_takes_messages_away_from_may_be_tried_again()
    {
        _transport.Add(Fault("1"), Fault("2"), Fault("3"), Fault("4"));
        // The second look finds two where there were four, and is cut short as well.
        _transport.Reading = () => _transport.Remove(_transport.Queue.Skip(1).TakeLast(1).ToList());

        await Assert.ThrowsAsync<FaultQueueBusyException>(() => ListAsync());
        Assert.That(OrdersIn(await ListAsync()), Is.EqualTo("1"));
    }

    [Test]
    public async Task Before_the_first_look_the_overview_tells_the_count()
    {
        _transport.Add(Fault("1"), Fault("2"));
        _transport.IsTaken = true;

        var overview = await OverviewAsync();

        Assert.That((overview.Count, overview.Groups.Count, overview.LookedAt), Is.EqualTo((2L, 0, (DateTimeOffset?)null)));
    }

    [Test]
    public async Task The_overview_does_not_wait_for_a_look_that_takes_long()
    {
        _transport.Add(Fault("1"));
        using var held = new ManualResetEventSlim();
        _transport.Opening = _ => held.Wait(Patience);

        var during = await OverviewAsync().WaitAsync(Patience / 2);
        held.Set();
        var page = await ListAsync().WaitAsync(Patience);

        Assert.That((during.Count, during.LookedAt, OrdersIn(page)), Is.EqualTo((1, (DateTimeOffset?)null, "1")));
    }

    [Test]
    public async Task A_list_shows_the_beginning_of_a_first_look_that_takes_long()
    {
        _transport.Add(Enumerable.Range(1, 100).Select(number => Fault($"{number}")));
        using var held = new ManualResetEventSlim();
        _transport.Reading = () =>
        {
            if (_transport.MessagesRead == 50)
            {
                held.Wait(Patience);
            }
        };

        var during = await ListAsync().WaitAsync(Patience / 2);
        var further = _inspector.ListAsync(ConfirmationFaults.Error, new FaultFilter(), 60, 10, CancellationToken.None);
        var filtered = ListAsync(new FaultFilter { OrderId = "3" });
        Assert.That(further.IsCompleted || filtered.IsCompleted, Is.False, "What is not read yet, or not known, is waited for.");
        held.Set();

        using (Assert.EnterMultipleScope())
        {
            Assert.That((OrdersIn(during), during.Count, during.Matched, during.LookedAt), Is.EqualTo(("1,2,3,4,5,6,7,8,9,10", 100, 100, _clock.GetUtcNow())));
            Assert.That(OrdersIn(await further.WaitAsync(Patience)), Is.EqualTo("61,62,63,64,65,66,67,68,69,70"));
            Assert.That(OrdersIn(await filtered.WaitAsync(Patience)), Is.EqualTo("3"));
        }
    }

    [Test]
    public async Task The_beginning_of_a_look_is_not_shown_once_something_was_taken_out()
    {
        _transport.Add(Enumerable.Range(1, 100).Select(number => Fault($"{number}")));
        using var held = new ManualResetEventSlim();
        await using var session = await _looks.OpenAsync(ConfirmationFaults.Error, CancellationToken.None);
        await using var reading = session!.ReadAsync(CancellationToken.None).GetAsyncEnumerator();
        await session.ReadAsync(CancellationToken.None).Take(10).CountAsync();
        await reading.MoveNextAsync();
        await session.CompleteAsync(reading.Current, CancellationToken.None);
        _transport.Opening = _ => held.Wait(Patience);

        var list = ListAsync();
        await Assert.ThrowsAsync<TimeoutException>(() => list.WaitAsync(TimeSpan.FromSeconds(2)));
        held.Set();

        Assert.That(OrdersIn(await list.WaitAsync(Patience)), Does.StartWith("2,3,"));
    }

    [Test]
    public async Task Whoever_reads_the_queue_refreshes_what_is_shown()
    {
        _transport.Add(Fault("1"), Fault("2"), Fault("3"));

        await using (var session = await _looks.OpenAsync(ConfirmationFaults.Error, CancellationToken.None))
        {
            await foreach (var held in session!.ReadAsync(CancellationToken.None))
            {
                if (held.Message.OrderId == "2")
                {
                    await session.CompleteAsync(held, CancellationToken.None);
                }
            }
        }

        _transport.IsTaken = true;
        Assert.That(OrdersIn(await ListAsync()), Is.EqualTo("1,3"));
    }

    [Test]
    public async Task What_is_taken_out_by_who_does_not_read_on_is_no_longer_shown()
    {
        _transport.Add(Fault("1"), Fault("2"));
        await ListAsync();
        await using (var session = await _looks.OpenAsync(ConfirmationFaults.Error, CancellationToken.None))
        {
            await foreach (var held in session!.ReadAsync(CancellationToken.None))
            {
                await session.CompleteAsync(held, CancellationToken.None);
                break;
            }
        }

        _transport.IsTaken = true;
        var page = await ListAsync();
        Assert.That((OrdersIn(page), page.Count, (await OverviewAsync()).Groups.Single().Count), Is.EqualTo(("2", 1, 1)));
    }

    [Test]
    public async Task After_a_long_look_others_have_the_queue_for_longer()
    {
        _transport.Add(Enumerable.Range(0, 2_000).Select(number => Fault($"{number}")));
        _transport.Reading = () => _clock.Advance(TimeSpan.FromMilliseconds(5));
        await ListAsync();
        await ListAsync();
        var soon = _transport.Opened;
        _clock.Advance(TimeSpan.FromSeconds(60));

        await ListAsync();

        Assert.That((soon, _transport.Opened), Is.EqualTo((1, 2)));
    }

    [Test]
    public async Task News_of_a_look_are_told_where_it_found_something_else()
    {
        using var end = new CancellationTokenSource(Patience);
        await using var news = _feed.ListenAsync(end.Token).GetAsyncEnumerator();
        var first = news.MoveNextAsync();
        _transport.Add(Fault("1"));
        await ListAsync();
        Assert.That(await first);
        await ListAsync();
        _transport.Add(Fault("2"));
        _clock.Advance(TimeSpan.FromMinutes(1));
        await ListAsync();

        Assert.That(await news.MoveNextAsync());
        Assert.That(news.Current, Is.EqualTo(new FaultNews.Look("order-confirmation", FaultQueueKind.Error, _clock.GetUtcNow())));
    }

    [Test]
    public void Of_more_than_can_be_listed_all_are_counted()
    {
        const int Most = 1_000;
        var builder = new FaultLookBuilder(_clock.GetUtcNow(), Most, before: null);
        var fault = new FaultReading(new RedeliverPolicy(Options.Create(new ReplayOptions()), _clock)).Read(ConfirmationFaults.Error, Fault("1"));
        for (var number = 0; number < Most + 10; number++)
        {
            builder.Add(fault with { Id = $"{number}" });
        }

        var look = builder.Build();
        var without = look.Without([fault with { Id = "0" }, fault with { Id = $"{Most + 5}" }]);

        using (Assert.EnterMultipleScope())
        {
            Assert.That((look.Count, look.Items.Count, look.IsWhole), Is.EqualTo((Most + 10, Most, false)));
            Assert.That((without.Count, without.Items.Count, without.Groups.Single().Count), Is.EqualTo((Most + 8, Most - 1, Most + 8)));
        }
    }

    [Test]
    public async Task All_queues_share_the_lines_that_are_kept_and_each_has_some()
    {
        const int Count = FaultLook.LeastLines + 10;
        var reading = new FaultReading(new RedeliverPolicy(Options.Create(new ReplayOptions()), _clock));
        await using var looks = new FaultLooks(_transport, reading, _feed, _clock, mostLines: Count + 100);
        _transport.Add(Enumerable.Range(0, Count).Select(number => Fault($"{number}")));

        var first = await looks.LookAsync(ConfirmationFaults.Error, Patience, lines: null, CancellationToken.None);
        var second = await looks.LookAsync(ConfirmationFaults.Parked, Patience, lines: null, CancellationToken.None);

        Assert.That((first.Items.Count, second.Items.Count, second.Count), Is.EqualTo((Count, FaultLook.LeastLines, Count)));
    }

    [Alone]
    [Test]
    public void A_line_that_is_kept_takes_about_half_a_kilobyte()
    {
        const int Count = 10_000;
        var reading = new FaultReading(new RedeliverPolicy(Options.Create(new ReplayOptions()), _clock));
        var before = GC.GetTotalMemory(forceFullCollection: true);
        var builder = new FaultLookBuilder(_clock.GetUtcNow(), Count, before: null);
        for (var number = 0; number < Count; number++)
        {
            builder.Add(reading.Read(ConfirmationFaults.Error, Fault($"invoice-{number}")));
        }

        var look = builder.Build();

        var kept = GC.GetTotalMemory(forceFullCollection: true) - before;
        Assert.That(kept / Count, Is.InRange(100, 640));
        Assert.That(look.Items, Has.Count.EqualTo(Count));
    }

    private Task<FaultPage> ListAsync(FaultFilter? filter = null) =>
        _inspector.ListAsync(ConfirmationFaults.Error, filter ?? new FaultFilter(), 0, 10, CancellationToken.None);

    private async Task<QueueOverview> OverviewAsync() =>
        (await _inspector.GetOverviewsAsync(CancellationToken.None)).Single(queue => queue.Queue == FaultQueueKind.Error);

    private FaultMessage Fault(string orderId, int replays = 0) => SampleFaults.Create(orderId, failedAt: _clock.GetUtcNow(), replays: replays);

    private static string OrdersIn(FaultPage page) => string.Join(',', page.Items.Select(fault => fault.Subject));
}

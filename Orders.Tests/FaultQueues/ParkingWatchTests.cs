using Orders.FaultQueues;
using Orders.FaultQueues.Job;
using Orders.FaultQueues.Policy;
using Orders.FaultQueues.Queues;
using Orders.Messaging;

namespace Orders.Tests.FaultQueues;

/// <summary>What the broker parked by itself is found and told of, whatever else goes on in parking.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class ParkingWatchTests : IAsyncDisposable
{
    private readonly RedeliverJobUnderTest _job = new(new ReplayOptions { Period = TimeSpan.FromSeconds(10) });

    private IEnumerable<string?> Told => _job.Log.Of<ParkingWatch>(204);

    public ValueTask DisposeAsync() => _job.DisposeAsync();

    [Test]
    public async Task As_many_as_have_gone_are_found_within_ten_minutes()
    {
        var parked = Fault("1").ForParking("a reason", _job.Clock.GetUtcNow());
        _job.Transport.Add(parked);
        await _job.StartWatchAsync();
        await _job.PassAsync();

        _job.Transport.Remove([parked]);
        _job.Transport.Add(Fault("2"));
        await _job.PassAsync();
        Assert.That(_job.Transport.MessagesRead, Is.EqualTo(1), "The queue is as long as before.");
        _job.Clock.Advance(TimeSpan.FromMinutes(10));
        await _job.PassAsync();
        await _job.PassAsync();

        Assert.That(Told.Single(), Does.StartWith("The message about 2 "));
    }

    [Test]
    public async Task Whoever_wants_the_queue_gets_it_between_thousands()
    {
        _job.Transport.Refusal = _ =>
        {
            _job.Clock.Advance(2 * FaultTurn.Longest);
            return null;
        };
        _job.Transport.Add(Enumerable.Range(1, 5).Select(number => Fault($"{number}")));
        await _job.StartWatchAsync();
        for (var passes = 0; passes < 10; passes++)
        {
            await _job.PassAsync();
        }

        using (Assert.EnterMultipleScope())
        {
            Assert.That(Told.Count(), Is.EqualTo(5));
            Assert.That(_job.Transport.Sent.Select(sent => sent.Message.OrderId), Is.EquivalentTo(["1", "2", "3", "4", "5"]));
            Assert.That(_job.Transport.Opened, Is.GreaterThan(5), "One or two at each turn.");
        }
    }

    [Test]
    public async Task What_nothing_can_be_written_on_is_told_of_once()
    {
        _job.Transport.Refusal = _ => new RepublishRefusedException("order-confirmation_parked", "too large", RepublishRefusal.Message);
        _job.Transport.Add(Fault("1"));
        await _job.StartWatchAsync();
        for (var passes = 0; passes < 5; passes++)
        {
            await _job.PassAsync();
        }

        Assert.That(Told.Count(), Is.EqualTo(1));
        Assert.That(_job.Transport.Queue.Select(fault => fault.OrderId), Is.EqualTo(["1"]));
    }

    private FaultMessage Fault(string orderId) => SampleFaults.Create(orderId, failedAt: _job.Clock.GetUtcNow());
}

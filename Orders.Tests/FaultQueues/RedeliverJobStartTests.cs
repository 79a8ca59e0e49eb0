namespace Orders.Tests.FaultQueues;

public sealed class RedeliverJobStartTests
{
    /// <summary>Else it could park a message before the queue of those who are to hear of it is there.</summary>
    [Test]
    public async Task The_job_begins_when_the_bus_is_ready()
    {
        await using var test = new RedeliverJobUnderTest();

        test.StartJobAlone();
        await Assert.ThatAsync(() => test.Clock.HasTimer.WaitAsync(TimeSpan.FromSeconds(1)), Throws.TypeOf<TimeoutException>());
        await test.Bus.StartAsync();
        await test.Clock.HasTimer.WaitAsync(TimeSpan.FromSeconds(10));
    }
}

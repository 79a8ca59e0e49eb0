using Notifications.Worker.Email;

namespace Orders.Tests.Email;

public sealed class OwnThreadTests
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(20);

    [Test]
    public async Task Everything_runs_on_one_thread_that_is_not_of_the_pool()
    {
        using var own = new OwnThread("tests");
        var threads = new List<Thread>();

        for (var i = 0; i < 3; i++)
        {
            await own.RunAsync(() => threads.Add(Thread.CurrentThread)).WaitAsync(Soon);
        }

        Assert.That(threads.Distinct().Single(), Has.Property(nameof(Thread.Name)).EqualTo("tests").And.Property(nameof(Thread.IsThreadPoolThread)).False);
    }

    [Test]
    public async Task What_an_action_throws_reaches_who_awaits_it_and_the_thread_goes_on()
    {
        using var own = new OwnThread("tests");

        Assert.That(async () => await own.RunAsync(() => throw new TimeZoneNotFoundException()).WaitAsync(Soon), Throws.TypeOf<TimeZoneNotFoundException>());

        await own.RunAsync(() => { }).WaitAsync(Soon);
    }

    [Test]
    public async Task It_ends_with_its_disposal_and_takes_nothing_more()
    {
        var own = new OwnThread("tests");
        Thread? thread = null;
        using var release = new ManualResetEventSlim();
        var last = own.RunAsync(() =>
        {
            thread = Thread.CurrentThread;
            release.Wait();
        });

        own.Dispose();
        Assert.That(() => own.RunAsync(() => { }), Throws.TypeOf<ObjectDisposedException>());
        release.Set();

        await last.WaitAsync(Soon);
        await Eventually.GetAsync("the thread has ended", _ => Task.FromResult(thread!.IsAlive), isAlive => !isAlive, Soon);
    }

    [Test]
    public void One_that_never_ran_anything_can_be_disposed_of_any_number_of_times()
    {
        var own = new OwnThread("tests");

        own.Dispose();
        own.Dispose();

        Assert.That(() => own.RunAsync(() => { }), Throws.TypeOf<ObjectDisposedException>());
    }
}

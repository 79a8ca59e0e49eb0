namespace Orders.Tests.ServiceDefaults.Hosting;

/// <summary>The tests start hundreds of programs in their process: one that has ended must leave nothing behind.</summary>
public sealed class EndedProgramsTests
{
    [Test]
    public async Task A_program_that_has_ended_is_not_kept_in_memory()
    {
        var services = await StartAndEndAsync();

        await Eventually.GetAsync(
            "the program's services are collected",
            _ =>
            {
                GC.Collect();
                GC.WaitForPendingFinalizers();
                return Task.FromResult(services.IsAlive);
            },
            isAlive => !isAlive,
            TimeSpan.FromSeconds(30));
    }

    // On a thread of its own, so that no variable of the test's refers to it.
    private static Task<WeakReference> StartAndEndAsync() => Task.Run(async () =>
    {
        await using var system = await OrderSystem.StartAsync(TransportUnderTest.InMemory);
        await system.PlaceAsync("1");
        await system.Mail.WaitForMessages(1);
        return new WeakReference(system.Api);
    });
}

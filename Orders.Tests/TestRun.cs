namespace Orders.Tests;

/// <summary>What is done once for all tests. In this namespace, so that it covers them all.</summary>
[SetUpFixture]
public sealed class TestRun
{
    /// <summary>Brokers and programs of the tests share the processor and wait for most of their time.</summary>
    [OneTimeSetUp]
    public void SpareTheProcessor()
    {
        // The programs inherit it: they end before the compiler's profiles have paid.
        Environment.SetEnvironmentVariable("DOTNET_TieredPGO", "0");
        // No busy waiting (https://www.rabbitmq.com/docs/runtime#busy-waiting), and no statistics that nobody looks at.
        RabbitMqBroker.ErlangArguments =
            "+sbwt none +sbwtdcpu none +sbwtdio none -rabbitmq_management_agent disable_metrics_collector true";
    }

    /// <summary>Ends the brokers that fixtures shared, and deletes the build of the release before.</summary>
    [OneTimeTearDown]
    public async Task EndShared()
    {
        await TestBrokers.EndSharedAsync();
        await ReleaseBefore.DeleteSharedAsync();
    }
}

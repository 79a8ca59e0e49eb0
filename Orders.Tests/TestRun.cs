namespace Orders.Tests;

/// <summary>What is done once for all tests. In this namespace, so that it covers them all.</summary>
[SetUpFixture]
public sealed class TestRun
{
    /// <summary>
    /// Settings that the programs of the tests inherit. They wait for most of their time, on a machine that they share:
    /// none of them is to wait busily, or to spend time on what pays only after minutes.
    /// </summary>
    [OneTimeSetUp]
    public void SpareTheProcessor()
    {
        Environment.SetEnvironmentVariable("DOTNET_TieredPGO", "0");
        // See https://www.rabbitmq.com/docs/runtime#busy-waiting.
        Environment.SetEnvironmentVariable(
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS",
            "+sbwt none +sbwtdcpu none +sbwtdio none -rabbitmq_management_agent disable_metrics_collector true");
    }

    /// <summary>Ends the brokers that fixtures shared.</summary>
    [OneTimeTearDown]
    public Task EndBrokers() => TestBrokers.EndSharedAsync();
}

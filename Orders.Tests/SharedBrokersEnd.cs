namespace Orders.Tests;

/// <summary>Ends the brokers that fixtures shared, after the last of them. In this namespace, so that it covers them all.</summary>
[SetUpFixture]
public sealed class SharedBrokersEnd
{
    [OneTimeTearDown]
    public Task EndBrokers() => TestBrokers.EndSharedAsync();
}

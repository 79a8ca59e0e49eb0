namespace Orders.Tests.EndToEnd;

/// <summary>Tests that each start a system of their own, which is stopped after them.</summary>
internal abstract class OrderSystemTests
{
    private OrderSystem? _system;

    /// <summary>The system of the running test, once it has started one.</summary>
    protected OrderSystem TheSystem
    {
        get => _system ?? throw new InvalidOperationException("The test has not started a system.");
        set => _system = value;
    }

    [TearDown]
    public async Task StopAsync()
    {
        if (_system is not null)
        {
            await _system.DisposeAsync();
            _system = null;
        }
    }
}

using NUnit.Framework.Internal;

namespace Orders.Testing.Machine;

/// <summary>
/// A test of the category <c>Alone</c>: it keeps all processors busy, or measures. No other test of its process runs beside it.
/// <c>.ci/run</c> has a second process for them, since they wait for much of their time.
/// </summary>
[AttributeUsage(AttributeTargets.Class | AttributeTargets.Method)]
public sealed class AloneAttribute() : ParallelizableAttribute(ParallelScope.None)
{
    /// <summary>The name of the category.</summary>
    public const string Name = "Alone";

    /// <inheritdoc/>
    public override void ApplyToTest(Test test)
    {
        base.ApplyToTest(test);
        test.Properties.Add(PropertyNames.Category, Name);
    }
}

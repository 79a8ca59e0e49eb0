using NUnit.Framework.Interfaces;
using NUnit.Framework.Internal;

namespace Orders.Testing.Machine;

/// <summary>
/// A test of the category <c>Long</c>: it takes minutes, thousands of messages or a container engine. It runs with
/// <c>CI=true</c>, with <c>ORDERS_TEST_LONG=true</c>, and where a filter names it. One that keeps all processors busy is
/// <see cref="AloneAttribute"/> as well; the others wait for most of their time, and run beside each other.
/// </summary>
[AttributeUsage(AttributeTargets.Class | AttributeTargets.Method)]
public sealed class LongAttribute : NUnitAttribute, IApplyToTest
{
    /// <summary>The name of the category.</summary>
    public const string Category = "Long";

    private const string Reason = "It takes long. ORDERS_TEST_LONG=true runs it, and so does a filter that names it.";

    /// <summary>Whether such tests are to run with all others.</summary>
    public static bool RunsAlways { get; } = IsTrue("CI") || IsTrue("ORDERS_TEST_LONG");

    /// <summary>Puts a fixture that is made of data into the category; it may run beside others.</summary>
    public static TestFixtureData Apply(TestFixtureData fixture)
    {
        fixture.Properties.Add(PropertyNames.Category, Category);
        return RunsAlways ? fixture : fixture.Explicit(Reason);
    }

    void IApplyToTest.ApplyToTest(Test test)
    {
        test.Properties.Add(PropertyNames.Category, Category);
        if (!RunsAlways && test.RunState == RunState.Runnable)
        {
            test.RunState = RunState.Explicit;
            test.Properties.Set(PropertyNames.SkipReason, Reason);
        }
    }

    private static bool IsTrue(string variable) =>
        string.Equals(Environment.GetEnvironmentVariable(variable), "true", StringComparison.OrdinalIgnoreCase);
}

/// <summary>A test of the category <c>Broker</c>: it needs a program that Debian has, such as RabbitMQ, Redis, Node or Chromium, and is skipped without it.</summary>
[AttributeUsage(AttributeTargets.Class | AttributeTargets.Method)]
public sealed class BrokerAttribute() : CategoryAttribute(Name)
{
    /// <summary>The name of the category.</summary>
    public new const string Name = "Broker";

    /// <summary>The same for a fixture that is made of data.</summary>
    public static TestFixtureData Apply(TestFixtureData fixture)
    {
        fixture.Properties.Add(PropertyNames.Category, Name);
        return fixture;
    }
}

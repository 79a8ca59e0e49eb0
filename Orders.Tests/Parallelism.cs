using NUnit.Framework.Internal;

[assembly: Parallelizable(ParallelScope.Fixtures)]
[assembly: Orders.Tests.WorkersPerProcessor(2)]

namespace Orders.Tests;

/// <summary>How many fixtures run at a time. They wait for much of their time, so it is more than one for each processor.</summary>
[AttributeUsage(AttributeTargets.Assembly)]
public sealed class WorkersPerProcessorAttribute(int workers)
    : PropertyAttribute(PropertyNames.LevelOfParallelism, workers * Environment.ProcessorCount)
{
    public int Workers => workers;
}

using System.Runtime.InteropServices;

namespace Orders.Bench.Results;

/// <summary>The machine that something was measured on.</summary>
/// <param name="System">The operating system.</param>
/// <param name="Processors">How many processors this process may use.</param>
/// <param name="Processor">What they are called; their architecture where the system does not say.</param>
/// <param name="MemoryGiB">The memory that this process may use, in GiB.</param>
internal sealed record MachineDescription(string System, int Processors, string Processor, long MemoryGiB)
{
    /// <summary>This one.</summary>
    public static MachineDescription Read() => new(
        RuntimeInformation.OSDescription,
        Environment.ProcessorCount,
        ReadProcessor() ?? $"{RuntimeInformation.ProcessArchitecture}",
        GC.GetGCMemoryInfo().TotalAvailableMemoryBytes >> 30);

    private static string? ReadProcessor()
    {
        const string Information = "/proc/cpuinfo";
        return File.Exists(Information)
            ? File.ReadLines(Information).FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal))?.Split(':', 2)[1].Trim()
            : null;
    }
}

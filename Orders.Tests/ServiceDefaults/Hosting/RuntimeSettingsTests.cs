using System.Text.Json;

namespace Orders.Tests.ServiceDefaults.Hosting;

/// <summary>The runtime says nothing of a setting that it does not know.</summary>
internal sealed class RuntimeSettingsTests
{
    private const string Prefix = "System.GC.";

    [TestCase("Orders.Api")]
    [TestCase("Notifications.Worker")]
    public void Each_setting_of_the_garbage_collector_is_one_that_it_has(string program)
    {
        using var file = File.OpenRead(Path.Combine(AppContext.BaseDirectory, $"{program}.runtimeconfig.json"));
        var settings = JsonSerializer.Deserialize<JsonElement>(file).GetProperty("runtimeOptions").GetProperty("configProperties")
            .EnumerateObject().Select(setting => setting.Name).Where(name => name.StartsWith(Prefix, StringComparison.Ordinal))
            .Select(name => name[Prefix.Length..]).ToList();

        // As GCHeapCount, ServerGC or HeapCount.
        var known = GC.GetConfigurationVariables().Keys.Select(name => name.Replace("GC", "", StringComparison.Ordinal));

        Assert.That(settings, Is.Not.Empty.And.SubsetOf(known));
    }
}

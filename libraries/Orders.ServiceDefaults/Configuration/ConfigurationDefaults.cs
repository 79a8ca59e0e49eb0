using Microsoft.Extensions.Configuration.Memory;

namespace Orders.ServiceDefaults.Configuration;

/// <summary>The configuration in force where no other source has a say.</summary>
public static class ConfigurationDefaults
{
    /// <summary>Adds configuration that counts where no other source has a say.</summary>
    public static void AddConfigurationDefaults(this IHostApplicationBuilder builder, params (string Key, string? Value)[] defaults) =>
        // First in the list, so that every other source can override it.
        builder.Configuration.Sources.Insert(0, new MemoryConfigurationSource
        {
            InitialData = defaults.Select(setting => KeyValuePair.Create(setting.Key, setting.Value)),
        });
}

using Microsoft.Extensions.Configuration.Memory;

namespace Orders.ServiceDefaults.Configuration;

/// <summary>Sections of the configuration that had another name in earlier releases.</summary>
public static partial class FormerSections
{
    /// <summary>
    /// Reads a section under its former name too, and warns of that once at the start. Where a setting stands under both names, the
    /// present one counts. Call it before the section is read.
    /// </summary>
    /// <param name="builder">The program.</param>
    /// <param name="former">The former name.</param>
    /// <param name="present">The present name.</param>
    public static void AddFormerSection(this IHostApplicationBuilder builder, string former, string present)
    {
        var old = builder.Configuration.GetSection(former);
        if (!old.Exists())
        {
            return;
        }

        builder.Services.AddSingleton(new Former(Variable(former), Variable(present)));
        builder.Services.AddHostedService<Warning>();
        // A list is taken whole: entries of two lists must not mix.
        var unset = old.GetChildren().Where(setting => !builder.Configuration.GetSection($"{present}:{setting.Key}").Exists());
        builder.Configuration.Sources.Insert(0, new MemoryConfigurationSource
        {
            InitialData = [.. unset.SelectMany(setting => setting.AsEnumerable()).Select(setting => KeyValuePair.Create($"{present}{setting.Key[former.Length..]}", setting.Value))],
        });
    }

    private static string Variable(string section) => $"{section.Replace(":", "__", StringComparison.Ordinal)}__…";

    private sealed record Former(string Old, string New);

    private sealed class Warning(IEnumerable<Former> sections, ILogger<Warning> logger) : IHostedService
    {
        public Task StartAsync(CancellationToken cancellationToken)
        {
            foreach (var (old, @new) in sections)
            {
                Log.Renamed(logger, old, @new);
            }

            return Task.CompletedTask;
        }

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 11, Level = LogLevel.Warning, Message = "The settings {Old} are called {New} now. The old names still count; a later release may drop them")]
        public static partial void Renamed(ILogger logger, string old, string @new);
    }
}

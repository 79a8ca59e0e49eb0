using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Orders.FaultQueues.Policy;
using Orders.Messaging.Redelivery;
using Orders.ServiceDefaults.Configuration;

namespace Orders.Tests.ServiceDefaults.Configuration;

public sealed class FormerSectionsTests
{
    [Test]
    public async Task A_setting_under_its_former_name_counts_and_is_warned_of_once()
    {
        var (sections, warnings) = await ReadAsync(("Former:Period", "1"), ("Former:Waits:0", "2"), ("Former:Waits:1", "3"));

        Assert.That(sections, Is.EqualTo("Period=1 Waits:0=2 Waits:1=3"));
        Assert.That(warnings, Is.EqualTo(["The settings Former__… are called Present__… now. The old names still count; a later release may drop them"]));
    }

    [Test]
    public async Task The_present_name_counts_more_and_lists_do_not_mix()
    {
        var (sections, warnings) = await ReadAsync(
            ("Former:Period", "1"), ("Former:Attempts", "7"), ("Former:Waits:0", "2"), ("Former:Waits:1", "3"), ("Present:Period", "9"), ("Present:Waits:0", "8"));

        Assert.That(sections, Is.EqualTo("Attempts=7 Period=9 Waits:0=8"));
        Assert.That(warnings, Has.Length.EqualTo(1));
    }

    [Test]
    public async Task Without_the_former_name_nothing_is_said() =>
        Assert.That(await ReadAsync(("Present:Period", "9")), Is.EqualTo(("Period=9", Array.Empty<string>())));

    [Test]
    public async Task A_worker_that_is_configured_as_for_the_release_before_does_as_it_did()
    {
        await using var system = await OrderSystem.StartAsync(
            TransportUnderTest.InMemory, settings: [("Redeliver__MaxAttempts", "7"), ("Redelivery__Intervals__0", "00:00:42")]);

        // The tests' own intervals stand under the present name.
        Assert.That(system.Worker.GetRequiredService<IOptions<ReplayOptions>>().Value.MaxAttempts, Is.EqualTo(7));
        Assert.That(system.Worker.GetRequiredService<IOptions<DelayedRedeliveryOptions>>().Value.Delays, Has.None.EqualTo(TimeSpan.FromSeconds(42)));
        Assert.That(WarningsIn(system.Log), Is.EquivalentTo(
        [
            "The settings Redeliver__… are called Replay__… now. The old names still count; a later release may drop them",
            "The settings Redelivery__… are called DelayedRedelivery__… now. The old names still count; a later release may drop them",
        ]));
    }

    private static string[] WarningsIn(LogEvents log) =>
        [.. log.At(LogLevel.Warning).Where(message => message.StartsWith("The settings ", StringComparison.Ordinal))];

    private static async Task<(string Sections, string[] Warnings)> ReadAsync(params (string Key, string Value)[] settings)
    {
        var log = new LogEvents();
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Configuration.AddInMemoryCollection(settings.Select(setting => KeyValuePair.Create(setting.Key, (string?)setting.Value)));
        builder.Logging.AddProvider(log);

        builder.AddFormerSection("Former", "Present");

        using var host = builder.Build();
        await host.StartAsync();
        await host.StopAsync();
        var present = builder.Configuration.GetSection("Present").AsEnumerable(makePathsRelative: true).Where(setting => setting.Value is not null);
        return (string.Join(' ', present.OrderBy(setting => setting.Key, StringComparer.Ordinal).Select(setting => $"{setting.Key}={setting.Value}")), WarningsIn(log));
    }
}

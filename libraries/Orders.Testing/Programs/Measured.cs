using System.Diagnostics.Metrics;
using Microsoft.Extensions.Diagnostics.Metrics.Testing;

namespace Orders.Testing.Programs;

/// <summary>What a program measures by one of its instruments, from now on.</summary>
/// <typeparam name="T">The type of the instrument's values.</typeparam>
internal sealed class Measured<T> : IDisposable
    where T : struct
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly MetricCollector<T> _collector;

    private Measured(MetricCollector<T> collector) => _collector = collector;

    /// <summary>Every measurement so far: its value, and its attributes in the order of their names.</summary>
    public IReadOnlyList<string> All => [.. _collector.GetMeasurementSnapshot().Select(Describe)];

    /// <summary>The values of every measurement so far.</summary>
    public IReadOnlyList<T> Values => [.. _collector.GetMeasurementSnapshot().Select(measurement => measurement.Value)];

    /// <param name="program">The program's services.</param>
    /// <param name="instrument">The instrument's name.</param>
    /// <param name="meter">The meter's name.</param>
    public static Measured<T> By(IServiceProvider program, string instrument, string meter = "Notifications.Worker") =>
        new(new MetricCollector<T>(program.GetRequiredService<IMeterFactory>(), meter, instrument));

    /// <summary>Waits until there are so many measurements, and returns them all.</summary>
    public async Task<IReadOnlyList<string>> WaitForAsync(int count)
    {
        using var timeout = new CancellationTokenSource(Patience);
        try
        {
            await _collector.WaitForMeasurementsAsync(count, timeout.Token);
        }
        catch (OperationCanceledException)
        {
            throw new TimeoutException($"Waited in vain for {count} measurements of {_collector.Instrument?.Name}. There were: {string.Join("; ", All)}");
        }

        return All;
    }

    /// <summary>What an instrument says that is asked for its values.</summary>
    public IReadOnlyList<string> Observe()
    {
        _collector.Clear();
        _collector.RecordObservableInstruments();
        return All;
    }

    /// <summary>What such an instrument says for an attribute's value; <c>null</c> where it says nothing.</summary>
    public T? Observe(string attribute, string value)
    {
        _collector.Clear();
        _collector.RecordObservableInstruments();
        return _collector.GetMeasurementSnapshot()
            .Where(measurement => Equals(measurement.Tags.GetValueOrDefault(attribute), value))
            .Select(measurement => (T?)measurement.Value)
            .SingleOrDefault();
    }

    public void Dispose() => _collector.Dispose();

    private static string Describe(CollectedMeasurement<T> measurement) => string.Join(
        ' ', measurement.Tags.OrderBy(tag => tag.Key, StringComparer.Ordinal).Select(tag => $"{tag.Key}={tag.Value}").Prepend($"{measurement.Value}"));
}

using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text.Json;

namespace Orders.Testing.Chaos;

/// <summary>What a customer was told about an order.</summary>
internal enum Told
{
    /// <summary>202: it is placed.</summary>
    Accepted,

    /// <summary>503: it is certain that it was not placed.</summary>
    NotPlaced,

    /// <summary>503 that says that it may have been placed, or no answer at all.</summary>
    Unknown,
}

/// <summary>Place orders at a steady rate, whatever the answers, and remember what they were told.</summary>
internal sealed class Customers(HttpClient http, Random random) : IDisposable
{
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(100);

    private readonly ConcurrentDictionary<string, Told> _told = [];
    private long _slowestAnswer;

    /// <summary>Every order that was tried, and what its customer was told.</summary>
    public IReadOnlyDictionary<string, Told> Orders => _told;

    /// <summary>The longest that a customer waited for an answer.</summary>
    public TimeSpan SlowestAnswer => TimeSpan.FromTicks(Interlocked.Read(ref _slowestAnswer));

    /// <summary>The address of the customer of an order; one in a hundred is unknown to the mail server for good.</summary>
    public static string AddressOf(string order, bool exists) => $"{order}@{(exists ? "customer" : "gone")}.example";

    /// <summary>Whether the mail server knows an address.</summary>
    public static bool Exists(string address) => !address.EndsWith("@gone.example", StringComparison.Ordinal);

    /// <summary>Places orders until it is told to stop, and waits for the last answers.</summary>
    public async Task PlaceAsync(int perSecond, CancellationToken stop)
    {
        var placing = new List<Task>();
        var started = Stopwatch.StartNew();
        using var timer = new PeriodicTimer(Tick);
        try
        {
            while (await timer.WaitForNextTickAsync(stop))
            {
                while (_told.Count + placing.Count(task => !task.IsCompleted) < started.Elapsed.TotalSeconds * perSecond)
                {
                    var order = $"{_told.Count + 1}-{random.Next().ToString("x8", CultureInfo.InvariantCulture)}";
                    placing.Add(PlaceAsync(order, AddressOf(order, random.Next(100) > 0)));
                }

                placing.RemoveAll(task => task.IsCompletedSuccessfully);
            }
        }
        catch (OperationCanceledException)
        {
            await Task.WhenAll(placing);
        }
    }

    public void Dispose() => http.Dispose();

    private async Task PlaceAsync(string orderId, string email)
    {
        var waiting = Stopwatch.StartNew();
        var told = Told.Unknown;
        try
        {
            using var response = await http.PostAsJsonAsync("/orders", new { orderId, email, product = "Laptop" });
            told = response.StatusCode switch
            {
                HttpStatusCode.Accepted => Told.Accepted,
                HttpStatusCode.ServiceUnavailable when await IsNotPlacedAsync(response) => Told.NotPlaced,
                HttpStatusCode.ServiceUnavailable => Told.Unknown,
                var status => throw new InvalidOperationException($"The API answered {(int)status}: {await response.Content.ReadAsStringAsync()}"),
            };
        }
        catch (Exception e) when (e is HttpRequestException or TaskCanceledException or IOException)
        {
            // The API was killed.
        }

        _told[orderId] = told;
        lock (_told)
        {
            _slowestAnswer = Math.Max(_slowestAnswer, waiting.Elapsed.Ticks);
        }
    }

    private static async Task<bool> IsNotPlacedAsync(HttpResponseMessage response) =>
        (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("title").GetString() == "The order was not placed";
}

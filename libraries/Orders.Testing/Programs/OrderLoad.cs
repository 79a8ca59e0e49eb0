using System.Globalization;
using System.Text.Json;

namespace Orders.Testing.Programs;

/// <summary>Places orders, one after the other, and keeps what became of each.</summary>
internal sealed class OrderLoad(OrderSystem system)
{
    /// <summary>The API promises an answer within 6 seconds, whatever the broker does. A busy machine takes three times as long.</summary>
    private static readonly TimeSpan AnswerTime = TimeSpan.FromSeconds(3 * 6);

    private readonly HashSet<string> _accepted = [];
    private readonly HashSet<string> _notPlaced = [];
    private int _placed;

    /// <summary>How many orders were answered with 202.</summary>
    public int Accepted => _accepted.Count;

    /// <summary>How many were answered with 503 and the word that they were certainly not placed.</summary>
    public int NotPlaced => _notPlaced.Count;

    /// <summary>How many were answered with 503 and no certainty.</summary>
    public int Unknown => _placed - Accepted - NotPlaced;

    /// <summary>Goes on until it is enough.</summary>
    public async Task PlaceUntilAsync(string what, Func<bool> enough, TimeSpan within)
    {
        using var timeOut = new CancellationTokenSource(within);
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(10));
        while (!enough())
        {
            try
            {
                await timer.WaitForNextTickAsync(timeOut.Token);
            }
            catch (OperationCanceledException)
            {
                throw new TimeoutException($"Waited {within} in vain: {what}. Accepted {Accepted}, not placed {NotPlaced}, unknown {Unknown}.");
            }

            await PlaceAsync();
        }
    }

    /// <summary>Goes on as long as something else runs.</summary>
    public async Task PlaceWhileAsync(Task running)
    {
        await PlaceUntilAsync("what runs beside the orders ends", () => running.IsCompleted, TimeSpan.FromMinutes(3));
        await running;
    }

    /// <summary>Waits until every accepted order is emailed, then looks that no order was that was answered as not placed.</summary>
    public async Task ExpectEmailsAsync()
    {
        await system.Mail.WaitFor("an email for each accepted order", _ => _accepted.IsSubsetOf(system.ConfirmedOrders), TimeSpan.FromSeconds(60));
        Assert.That(system.ConfirmedOrders.Intersect(_notPlaced), Is.Empty);
    }

    private async Task PlaceAsync()
    {
        var orderId = _placed.ToString(CultureInfo.InvariantCulture);
        using var response = await system.Http
            .PostAsJsonAsync("/orders", new { orderId, email = "customer@example.com", product = "Laptop" })
            .WaitAsync(AnswerTime);
        _placed++;
        Assert.That((int)response.StatusCode, Is.AnyOf(202, 503));
        if ((int)response.StatusCode == 202)
        {
            _accepted.Add(orderId);
        }
        else if ((await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("title").GetString() == "The order was not placed")
        {
            _notPlaced.Add(orderId);
        }
    }
}

using Microsoft.AspNetCore.Mvc;
using Orders.Api.OrderStore;
using Orders.Api.Publishing;
using Orders.Ledger;
using Orders.ServiceDefaults.Pages;

namespace Orders.Api.Status.Pages;

/// <summary>The page that shows a person what became of an order: plain HTML, which a small script keeps up to date.</summary>
internal static class TrackPages
{
    // With its hash and name it is longer than any address of an order that has this id.
    private const string AssetsAddress = "/orders/assets";

    private static readonly EmbeddedAssets Assets = new(typeof(TrackPages), AssetsAddress, "track.css", "track.js", "parcel.svg");

    public static void MapAssets(IEndpointRouteBuilder app) => Assets.Map(app, AssetsAddress);

    /// <summary>The address of an asset.</summary>
    public static string Url(string name) => Assets.Url(name);

    public static async Task<IResult> ShowAsync(string orderId, HttpContext http, CancellationToken cancellationToken, [FromServices] IOrderStore? store = null)
    {
        try
        {
            if (await StatusEndpoints.FindAsync(store, orderId, cancellationToken) is { } record)
            {
                return await RenderedPage.ShowAsync<TrackPage>(http, new Dictionary<string, object?> { [nameof(TrackPage.Order)] = record });
            }

            var unknown = StatusEndpoints.Unknown(isKept: store is not null);
            return await ShowMessageAsync(http, unknown, looksAgain: false);
        }
        catch (LedgerUnreachableException)
        {
            http.Response.Headers.RetryAfter = Refusals.RetryAfterSeconds;
            return await ShowMessageAsync(http, StatusEndpoints.Unreachable(), looksAgain: true);
        }
    }

    private static Task<IResult> ShowMessageAsync(HttpContext http, ProblemDetails problem, bool looksAgain) => RenderedPage.ShowAsync<MessagePage>(
        http,
        new Dictionary<string, object?>
        {
            [nameof(MessagePage.Title)] = problem.Title,
            [nameof(MessagePage.Text)] = problem.Detail,
            [nameof(MessagePage.LooksAgain)] = looksAgain,
        },
        problem.Status!.Value);
}

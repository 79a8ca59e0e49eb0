using Microsoft.Playwright;

namespace Orders.Tests.Browser;

/// <summary>
/// The machine's own Chromium, without a window. Playwright would bring one of its own, but has to be told to
/// download it; here it never is, and its driver comes with the package.
/// </summary>
public sealed class Chromium : IAsyncDisposable
{
    private const string PathVariable = "ORDERS_TEST_CHROMIUM";

    private static readonly string[] Names = ["chromium", "chromium-browser", "google-chrome"];

    private readonly IPlaywright _playwright;
    private readonly IBrowser _browser;

    private Chromium(IPlaywright playwright, IBrowser browser)
    {
        _playwright = playwright;
        _browser = browser;
    }

    /// <summary>Starts it; ends the calling test or fixture where the machine has none.</summary>
    public static async Task<Chromium> StartAsync()
    {
        var path = Find();
        var playwright = await Playwright.CreateAsync();
        try
        {
            // Playwright leaves Chromium's sandbox off, which root cannot use: no page but ours is ever loaded.
            return new Chromium(playwright, await playwright.Chromium.LaunchAsync(new BrowserTypeLaunchOptions
            {
                ExecutablePath = path,
                Args =
                [
                    "--disable-gpu",
                    "--disable-background-networking",
                    "--disable-component-update",
                    "--no-proxy-server",
                    // Whatever a page asks for elsewhere fails here, and the test sees that it asked.
                    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
                ],
            }));
        }
        catch
        {
            playwright.Dispose();
            throw;
        }
    }

    /// <summary>Opens an empty page, of a visitor who has never been here.</summary>
    public Task<IPage> OpenAsync(BrowserNewPageOptions? options = null) => _browser.NewPageAsync(options);

    public async ValueTask DisposeAsync()
    {
        await _browser.DisposeAsync();
        _playwright.Dispose();
    }

    private static string Find()
    {
        if (Environment.GetEnvironmentVariable(PathVariable) is { Length: > 0 } given)
        {
            if (!File.Exists(given))
            {
                Needs.Missing($"No Chromium: {PathVariable} names no file.");
            }

            return given;
        }

        var found = Names.Select(name => Needs.FindProgram(name)).FirstOrDefault(path => path is not null);
        if (found is null)
        {
            Needs.Missing($"No Chromium on the PATH: install one, or name its program in {PathVariable}.");
        }

        return found;
    }
}

using System.Globalization;
using System.Text;
using Microsoft.Playwright;

namespace Orders.Tests.Browser;

/// <summary>
/// Tests of the pages of the fault queues, each with a system of its own whose redeliver job leaves the faults alone, and
/// whose mail server refuses everybody until it is told otherwise.
/// </summary>
internal abstract class FaultPagesUnderTest
{
    protected static readonly (string Name, string? Value)[] FaultsStay =
        [("Replay__Period", "01:00:00"), ("Replay__Backoff__0", "06:00:00"), ("Alerts__To", null)];

    private static readonly TimeSpan FaultTime = TimeSpan.FromSeconds(20);

    private readonly List<string> _trouble = [];
    private readonly List<IPage> _pages = [];
    private Chromium? _chromium;
    private OrderSystem? _system;

    protected OrderSystem TheSystem
    {
        get => _system ?? throw new InvalidOperationException("The test has not started a system.");
        set
        {
            _system = value;
            _system.Mail.On(SmtpStep.Recipient, address => address.StartsWith("nobody", StringComparison.Ordinal)
                ? "550 5.1.1 No such user"
                : "451 4.3.0 The mail store is full");
        }
    }

    [OneTimeTearDown]
    public async Task EndTheBrowserAsync()
    {
        if (_chromium is not null)
        {
            await _chromium.DisposeAsync();
        }
    }

    [TearDown]
    public async Task StopAsync()
    {
        // First of all: a page whose system goes away complains.
        foreach (var page in _pages)
        {
            await page.CloseAsync();
        }

        _pages.Clear();
        if (_system is not null)
        {
            await _system.DisposeAsync();
            _system = null;
        }

        string[] trouble = [.. _trouble];
        _trouble.Clear();
        Assert.That(trouble, Is.Empty, "Nothing else may be asked for, run or complained about by a page.");
    }

    /// <summary>Starts a system whose developer is let in as an operator.</summary>
    protected async Task StartAsync(params (string Name, string? Value)[] settings) =>
        TheSystem = await OrderSystem.ServeAsync("Development", [.. FaultsStay, .. settings]);

    /// <summary>Opens a page; whatever it does that it should not fails the test.</summary>
    protected async Task<IPage> OpenAsync(string path, BrowserNewPageOptions? options = null)
    {
        _chromium ??= await Chromium.StartAsync();
        var page = await _chromium.OpenAsync(options);
        page.SetDefaultTimeout(15_000);
        _pages.Add(page);
        var address = TheSystem.Http.BaseAddress!.ToString();
        page.PageError += (_, error) => _trouble.Add(error);
        page.Console += (_, line) =>
        {
            if (line.Type == "error")
            {
                _trouble.Add(line.Text);
            }
        };
        page.Dialog += async (_, dialog) =>
        {
            _trouble.Add($"dialog: {dialog.Message}");
            await dialog.DismissAsync();
        };
        page.Request += (_, request) =>
        {
            if (!request.Url.StartsWith(address, StringComparison.Ordinal))
            {
                _trouble.Add($"asked for {request.Url}");
            }
        };
        await GoAsync(page, path);
        return page;
    }

    protected Task<IResponse?> GoAsync(IPage page, string path) => page.GotoAsync(new Uri(TheSystem.Http.BaseAddress!, path).ToString());

    /// <summary>Browsers complain about an answer with an error's status, also where it is the right one.</summary>
    protected void ForgetTrouble(string status) => _trouble.RemoveAll(trouble => trouble.Contains($"status of {status}", StringComparison.Ordinal));

    /// <summary>Places orders that fail, and waits until all of them lie in the error queue.</summary>
    protected async Task FailAsync(int transient, int permanent = 0, int unreadable = 0)
    {
        var before = await CountAsync(OrderConfirmationEndpoint.ErrorQueue);
        for (var i = 1; i <= transient; i++)
        {
            await TheSystem.PlaceAsync(Invariant($"full-{i}"), Invariant($"customer-{i}@example.com"));
        }

        for (var i = 1; i <= permanent; i++)
        {
            await TheSystem.PlaceAsync(Invariant($"wrong-{i}"), Invariant($"nobody-{i}@example.com"));
        }

        for (var i = 1; i <= unreadable; i++)
        {
            await TheSystem.SendRawAsync(Encoding.UTF8.GetBytes(Invariant($"not JSON {i}")), "application/vnd.masstransit+json");
        }

        await WaitForCountAsync(OrderConfirmationEndpoint.ErrorQueue, before + transient + permanent + unreadable);
    }

    protected Task<long> WaitForCountAsync(string queue, long count) =>
        Eventually.GetAsync($"{count} messages in {queue}", _ => CountAsync(queue), found => found == count, FaultTime);

    protected Task<long> CountAsync(string queue) => TheSystem.Faults.CountAsync(queue, CancellationToken.None);

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}

using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Orders.FaultQueues;
using Orders.FaultQueues.Access;
using Orders.ServiceDefaults.Protection;
using Orders.Tests.EndToEnd;

namespace Orders.Tests.FaultQueues.Access;

/// <summary>What becomes of those who try passwords.</summary>
internal sealed class SignInLimitTests : OrderSystemTests
{
    private readonly TestClock _clock = new(new DateTimeOffset(2026, 11, 21, 12, 0, 0, TimeSpan.Zero));

    [Test]
    public async Task After_ten_wrong_passwords_not_even_the_right_one_is_taken_for_a_while()
    {
        TheSystem = await OrderSystem.ServeAsync("Production", [.. Basic.Users, ("RateLimit__FailedSignInsPerMinute", $"{new RateLimitOptions().FailedSignInsPerMinute}")]);
        for (var i = 0; i < 10; i++)
        {
            using var wrong = await GetAsync(Basic.Header($"olga:guess-{i}"));
            Assert.That((int)wrong.StatusCode, Is.EqualTo(401));
        }

        using var eleventh = await GetAsync(Basic.Header("olga:guess-10"));
        using var right = await GetAsync(Basic.Of("olga"));
        using var details = await GetAsync(Basic.Of("olga"), "/health/details");
        using var anonymous = await GetAsync(null);

        using (Assert.EnterMultipleScope())
        {
            foreach (var refused in new[] { eleventh, right, details })
            {
                Assert.That((int)refused.StatusCode, Is.EqualTo(429));
                Assert.That(refused.Headers.RetryAfter?.Delta, Is.InRange(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(6)));
                Assert.That(refused.Headers.WwwAuthenticate, Is.Empty, "A browser would ask its user again.");
                Assert.That((string?)JsonNode.Parse(await refused.Content.ReadAsStringAsync())!["detail"], Does.StartWith("Too many wrong names or passwords"));
            }

            Assert.That((int)anonymous.StatusCode, Is.EqualTo(401));
            Assert.That(TheSystem.Log.Of<FaultSignIn>(240), Has.Count.EqualTo(10));
            Assert.That(TheSystem.Log.Of<FaultSignIn>(61), Is.EqualTo(["Nobody at 127.0.0.1 can sign in for a while: too many wrong names or passwords came from there"]));
        }
    }

    [Test]
    public async Task A_limit_that_is_used_up_takes_no_password_until_there_is_a_whole_try_again_and_says_so_once()
    {
        await ServeAsync(("RateLimit__FailedSignInsPerMinute", "10"));
        var guesses = new List<int>();
        for (var i = 0; i < 20; i++)
        {
            guesses.Add(await TryAsync("olga:guess"));
        }

        _clock.Advance(TimeSpan.FromSeconds(5.5));
        var tooEarly = await TryAsync("olga:olga-secret");
        _clock.Advance(TimeSpan.FromSeconds(0.5));
        var wrong = await TryAsync("olga:guess");
        var usedUpAgain = await TryAsync("olga:olga-secret");
        _clock.Advance(TimeSpan.FromSeconds(6));
        var right = await TryAsync("olga:olga-secret");

        Assert.That(guesses, Is.EqualTo([.. Enumerable.Repeat(401, 10), .. Enumerable.Repeat(429, 10)]));
        Assert.That((tooEarly, wrong, usedUpAgain, right), Is.EqualTo((429, 401, 429, 200)));
        Assert.That(TheSystem.Log.Of<FaultSignIn>(61), Has.Count.EqualTo(1));
    }

    [Test]
    public async Task A_name_that_many_try_is_slowed_for_them_and_told_by_one_alert_and_nobody_is_locked_out()
    {
        await ServeAsync(("ForwardedHeaders__KnownNetworks__0", "127.0.0.0/8"), ("RateLimit__FailedSignInsPerMinute", "10"));
        var before = await TryAsync("olga:olga-secret", from: "198.51.100.1");
        for (var i = 0; i < SignInLimit.Many; i++)
        {
            Assert.That(await TryAsync($"olga:guess-{i}", from: $"192.0.2.{i}"), Is.EqualTo(401));
        }

        using var guess = await GetAsync(Basic.Header("olga:guess"), from: "192.0.2.100");
        var rightElsewhere = await TryAsync("olga:olga-secret", from: "192.0.2.101");
        var whereSheWasBefore = await TryAsync("olga:olga-secret", from: "198.51.100.1");
        var somebodyElse = await TryAsync("rita:rita-secret", from: "192.0.2.101");
        _clock.Advance(SignInLimit.Pause);
        var oneTry = await TryAsync("olga:guess", from: "192.0.2.102");
        var noSecondTry = await TryAsync("olga:olga-secret", from: "192.0.2.101");
        _clock.Advance(SignInLimit.Pause);
        var inItsTurn = await TryAsync("olga:olga-secret", from: "192.0.2.101");
        var fromThenOn = await TryAsync("olga:olga-secret", from: "192.0.2.101");

        await TheSystem.Mail.WaitFor("the alert", _ => TheSystem.Alerts.Count >= 1);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(before, Is.EqualTo(200));
            Assert.That((int)guess.StatusCode, Is.EqualTo(429));
            Assert.That(guess.Headers.RetryAfter?.Delta, Is.EqualTo(SignInLimit.Pause));
            Assert.That((rightElsewhere, whereSheWasBefore, somebodyElse), Is.EqualTo((429, 200, 200)));
            Assert.That((oneTry, noSecondTry, inItsTurn, fromThenOn), Is.EqualTo((401, 429, 200, 200)));
            Assert.That(TheSystem.Alerts.Select(alert => alert.Subject), Is.EqualTo(["Somebody tries passwords of olga"]));
            Assert.That(TheSystem.Alerts[0].Text, Does.Contain("50 wrong passwords").And.Not.Contain("guess").And.Not.Contain("secret"));
            Assert.That(TheSystem.Log.Of<SignInAlert>(63), Has.Count.EqualTo(1));
            Assert.That(TheSystem.Log.All.Select(entry => entry.Message), Has.None.Contains("guess-").And.None.Contains("olga-secret"));
        }
    }

    [Test]
    public async Task A_name_is_slowed_until_no_more_than_fifty_wrong_passwords_came_in_an_hour()
    {
        await ServeAsync(("RateLimit__FailedSignInsPerMinute", "0"));
        for (var i = 0; i < SignInLimit.Many; i++)
        {
            await TryAsync("olga:guess");
        }

        var slowed = await TryAsync("olga:olga-secret");
        _clock.Advance(SignInLimit.Window);
        var after = new[] { await TryAsync("olga:guess"), await TryAsync("olga:olga-secret"), await TryAsync("olga:guess") };

        Assert.That((slowed, after), Is.EqualTo((429, new[] { 401, 200, 401 })));
    }

    [Test]
    public async Task The_command_line_keeps_to_the_same_limit()
    {
        await ServeAsync(("RateLimit__FailedSignInsPerMinute", "1"));
        await TryAsync("olga:guess");

        var ended = await RealProgram.Worker.RunAsync(
            ["faults", "--url", TheSystem.Http.BaseAddress!.OriginalString],
            ("FAULTS_USER", "olga"),
            ("FAULTS_PASSWORD", "olga-secret"));

        Assert.That(ended.ExitCode, Is.EqualTo(1));
        Assert.That(ended.Errors, Has.One.StartsWith("Too many wrong names or passwords came from this address"));
    }

    [Test]
    public void Many_guesses_at_once_have_no_more_tries_than_one_after_the_other()
    {
        var limit = LimitOf(perMinute: 10);
        var tries = new SignInTry[1_000];

        Parallel.For(0, tries.Length, i => tries[i] = limit.Try(IPAddress.Loopback, "olga:guess"u8));

        Assert.That(tries.Count(one => one is SignInTry.Wrong), Is.EqualTo(10));
        Assert.That(tries.Count(one => one is SignInTry.Wrong { UsedUp: true }), Is.EqualTo(1));
    }

    [Test]
    public void Nothing_is_kept_of_names_that_nobody_has_nor_of_addresses_for_longer_than_it_counts()
    {
        var limit = LimitOf(perMinute: 1);
        for (var i = 0; i < 10_000; i++)
        {
            limit.Try(new IPAddress(i), Encoding.UTF8.GetBytes($"nobody-{i}:guess"));
            _clock.Advance(TimeSpan.FromSeconds(1));
        }

        Assert.That(limit.Clients, Is.LessThanOrEqualTo(121));
    }

    [Test]
    public void An_attack_that_goes_on_for_a_day_is_told_once_and_the_next_one_again()
    {
        var limit = LimitOf(perMinute: 0);
        var told = new List<int>();
        for (var hour = 0; hour < 24; hour++)
        {
            told.Add(AnHourOfGuesses());
        }

        _clock.Advance(2 * SignInLimit.Window);
        told.Add(AnHourOfGuesses());

        Assert.That(told, Is.EqualTo([1, .. Enumerable.Repeat(0, 23), 1]));

        // As many as are not slowed, and a few more.
        int AnHourOfGuesses()
        {
            var count = 0;
            for (var i = 0; i < SignInLimit.Many + 2; i++)
            {
                count += limit.Try(IPAddress.Loopback, "olga:guess"u8) is SignInTry.Wrong { Slowed: "olga" } ? 1 : 0;
                _clock.Advance(SignInLimit.Window / (SignInLimit.Many + 2));
            }

            return count;
        }
    }

    [Test]
    public void An_alert_that_nobody_got_is_said_again()
    {
        var limit = LimitOf(perMinute: 0);
        SignInTry last = new SignInTry.Wrong(UsedUp: false, Slowed: null);
        for (var i = 0; i < SignInLimit.Many; i++)
        {
            last = limit.Try(IPAddress.Loopback, "olga:guess"u8);
        }

        limit.SayAgain("olga");
        _clock.Advance(SignInLimit.Pause);
        var next = limit.Try(IPAddress.Loopback, "olga:guess"u8);

        Assert.That(new[] { last, next }, Is.All.EqualTo(new SignInTry.Wrong(UsedUp: false, Slowed: "olga")));
    }

    [Test]
    public async Task Somebody_elses_wrong_passwords_keep_nobody_out()
    {
        TheSystem = await OrderSystem.ServeAsync(
            "Production", [.. Basic.Users, ("RateLimit__FailedSignInsPerMinute", "1"), ("ForwardedHeaders__KnownNetworks__0", "127.0.0.0/8")]);
        using var wrong = await GetAsync(Basic.Header("olga:guess"), from: "192.0.2.1");

        using var refused = await GetAsync(Basic.Of("olga"), from: "192.0.2.1");
        using var taken = await GetAsync(Basic.Of("olga"), from: "192.0.2.2");

        Assert.That(((int)wrong.StatusCode, (int)refused.StatusCode, (int)taken.StatusCode), Is.EqualTo((401, 429, 200)));
    }

    [Test]
    public async Task Right_passwords_are_not_counted()
    {
        TheSystem = await OrderSystem.ServeAsync("Production", [.. Basic.Users, ("RateLimit__FailedSignInsPerMinute", "1")]);

        for (var i = 0; i < 5; i++)
        {
            using var answer = await GetAsync(Basic.Of("rita"));
            Assert.That((int)answer.StatusCode, Is.EqualTo(200));
        }
    }

    /// <summary>The system in memory with the users, where time for the limit stands still.</summary>
    private async Task ServeAsync(params (string Name, string? Value)[] settings) => TheSystem = await OrderSystem.ServeAsync(
        "Production",
        services => services.AddSingleton(provider => new SignInLimit(
            provider.GetRequiredService<FaultUsers>(), provider.GetRequiredService<IOptions<RateLimitOptions>>(), _clock)),
        [.. Basic.Users, .. settings]);

    private SignInLimit LimitOf(int perMinute) => new(
        new FaultUsers(Options.Create(new FaultsOptions { Users = { new FaultUser { Name = "olga", Password = "olga-secret" } } })),
        Options.Create(new RateLimitOptions { FailedSignInsPerMinute = perMinute }),
        _clock);

    private async Task<int> TryAsync(string credentials, string? from = null)
    {
        using var answer = await GetAsync(Basic.Header(credentials), from: from);
        return (int)answer.StatusCode;
    }

    private async Task<HttpResponseMessage> GetAsync(AuthenticationHeaderValue? authorization, string path = "/faults/api", string? from = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.Authorization = authorization;
        if (from is not null)
        {
            request.Headers.Add("X-Forwarded-For", from);
        }

        return await TheSystem.Http.SendAsync(request);
    }
}

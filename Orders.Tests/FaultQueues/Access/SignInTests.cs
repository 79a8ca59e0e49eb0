using System.Net.Http.Headers;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging;
using Orders.FaultQueues.Access;

namespace Orders.Tests.FaultQueues.Access;

/// <summary>Who gets in where there are users.</summary>
internal sealed class SignInTests
{
    private readonly string _passwordFile = Path.GetTempFileName();
    private OrderSystem _system = null!;

    [OneTimeSetUp]
    public async Task StartAsync()
    {
        await File.WriteAllTextAsync(_passwordFile, "Übermut: 1\r\n");
        // Not even on loopback in Development does anybody get in without a name.
        _system = await OrderSystem.ServeAsync(
            "Development",
            [.. Basic.Users, ("Faults__Users__2__Name", "jörg"), ("Faults__Users__2__PasswordFile", _passwordFile)]);
    }

    [OneTimeTearDown]
    public async Task StopAsync()
    {
        await _system.DisposeAsync();
        File.Delete(_passwordFile);
    }

    [TestCase("rita:rita-secret")]
    [TestCase("olga:olga-secret")]
    [TestCase("jörg:Übermut: 1")]
    public async Task A_user_gets_in_with_name_and_password(string credentials)
    {
        using var answer = await GetAsync(Basic.Header(credentials));

        Assert.That((int)answer.StatusCode, Is.EqualTo(200));
    }

    [Test]
    public async Task The_name_of_the_scheme_may_be_in_any_case()
    {
        using var answer = await GetAsync(new AuthenticationHeaderValue("bASIC", Basic.Of("rita").Parameter));

        Assert.That((int)answer.StatusCode, Is.EqualTo(200));
    }

    [TestCase("rita:olga-secret")]
    [TestCase("rita:rita-secret ")]
    [TestCase("rita:")]
    [TestCase("Rita:rita-secret")]
    [TestCase(":rita-secret")]
    [TestCase("nobody:rita-secret")]
    [TestCase("rita")]
    [TestCase("")]
    [TestCase("jörg:Übermut: 1\r\n")]
    public async Task A_wrong_name_or_password_is_refused_and_logged_without_the_name(string credentials)
    {
        var before = _system.Log.Of<FaultSignIn>(240).Count;

        using var answer = await GetAsync(Basic.Header(credentials));

        await ExpectChallengeAsync(answer);
        var logged = _system.Log.Of<FaultSignIn>(240).Skip(before).ToArray();
        Assert.That(logged, Has.Length.EqualTo(1).And.All.EqualTo("Somebody at 127.0.0.1 gave a wrong name or password for the fault queues"));
        Assert.That(_system.Log.All.Last(entry => entry.Id == 240).Level, Is.EqualTo(LogLevel.Warning));
    }

    [TestCase(null, null)]
    [TestCase("Bearer", "cml0YTpyaXRhLXNlY3JldA==")]
    [TestCase("Basic", "%%%")]
    [TestCase("Basic", null)]
    public async Task What_is_no_basic_sign_in_is_asked_for_one(string? scheme, string? parameter)
    {
        using var answer = await GetAsync(scheme is null ? null : new AuthenticationHeaderValue(scheme, parameter));

        await ExpectChallengeAsync(answer);
    }

    [TestCase("/orders")]
    [TestCase("/health/live")]
    public async Task Other_addresses_do_not_look_at_the_sign_in(string path)
    {
        var before = _system.Log.Of<FaultSignIn>(240).Count;
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.Authorization = Basic.Header("rita:wrong");

        using var answer = await _system.Http.SendAsync(request);

        using (Assert.EnterMultipleScope())
        {
            Assert.That((int)answer.StatusCode, Is.Not.EqualTo(401));
            Assert.That(_system.Log.Of<FaultSignIn>(240), Has.Count.EqualTo(before));
        }
    }

    private async Task<HttpResponseMessage> GetAsync(AuthenticationHeaderValue? authorization)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/faults/api");
        request.Headers.Authorization = authorization;
        return await _system.Http.SendAsync(request);
    }

    private static async Task ExpectChallengeAsync(HttpResponseMessage answer)
    {
        var body = await answer.Content.ReadAsStringAsync();
        using (Assert.EnterMultipleScope())
        {
            Assert.That((int)answer.StatusCode, Is.EqualTo(401), body);
            Assert.That(answer.Headers.WwwAuthenticate.ToString(), Is.EqualTo("Basic realm=\"Faults\", charset=\"UTF-8\""));
            Assert.That(answer.Content.Headers.ContentType?.MediaType, Is.EqualTo("application/problem+json"));
            Assert.That((string?)JsonNode.Parse(body)?["detail"], Is.EqualTo("This takes the name and the password of a user."));
        }
    }
}

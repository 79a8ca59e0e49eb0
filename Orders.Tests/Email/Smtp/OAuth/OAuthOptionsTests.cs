using Microsoft.Extensions.Options;

namespace Orders.Tests.Email.Smtp.OAuth;

/// <summary>What is wrong with a configuration of tokens is told at start.</summary>
internal sealed class OAuthOptionsTests
{
    private const string OAuth = "Email__Smtp__OAuth";

    private static readonly (string, string?)[] Smtp =
    [
        ("Email__Delivery", "Smtp"),
        ("Email__From", "orders@shop.example"),
        ("Email__Smtp__Host", "mail.example"),
        ("Email__Smtp__Port", "587"),
        ("Email__Smtp__Security", "StartTls"),
        ($"{OAuth}__Mailbox", "orders@shop.example"),
    ];

    private static readonly (string, string?)[] ClientCredentials =
    [
        .. Smtp,
        ($"{OAuth}__Grant", "ClientCredentials"),
        ($"{OAuth}__TokenEndpoint", "https://login.example/token"),
        ($"{OAuth}__ClientId", "worker"),
        ($"{OAuth}__ClientSecret", "s3cret"),
        ($"{OAuth}__Scope", "https://mail.example/.default"),
    ];

    private static readonly (string, string?)[] RefreshToken =
    [
        .. Smtp,
        ($"{OAuth}__Grant", "RefreshToken"),
        ($"{OAuth}__TokenEndpoint", "https://login.example/token"),
        ($"{OAuth}__ClientId", "worker"),
        ($"{OAuth}__RefreshToken", "1//s3cret"),
    ];

    private readonly DirectoryInfo _files = Directory.CreateTempSubdirectory("orders-tests-oauth-");

    [OneTimeTearDown]
    public void DeleteFiles() => _files.Delete(recursive: true);

    [Test]
    public async Task What_is_complete_starts()
    {
        await using var endpoint = await FakeTokenEndpoint.StartAsync();
        (string, string?)[][] complete =
        [
            ClientCredentials,
            [.. ClientCredentials, ($"{OAuth}__Scope", null)],
            [.. ClientCredentials, ($"{OAuth}__TokenEndpoint", "http://localhost:8080/token")],
            RefreshToken,
            [.. RefreshToken, ($"{OAuth}__ClientSecret", "s3cret")],
            ServiceAccount(endpoint.ServiceAccountKey()),
            [.. Smtp, ($"{OAuth}__TokenFile", Write("token", "ya29.token\n"))],
            [.. Smtp, ($"{OAuth}__TokenFile", Write("token", "ya29.token\n")), ("Email__Smtp__Host", "127.0.0.1"), ("Email__Smtp__Security", "None")],
            [.. Smtp, ($"{OAuth}__Mailbox", null), ($"{OAuth}__Grant", "")],
        ];

        Assert.Multiple(() =>
        {
            foreach (var settings in complete)
            {
                using var host = EmailHost.With(settings);
                Assert.That(host.StartAsync, Throws.Nothing);
            }
        });
    }

    [TestCase("Email__Smtp__OAuth__Grant", "Password", "Email__Smtp__OAuth__Grant must be ClientCredentials, RefreshToken or ServiceAccount, but is 'Password'.")]
    [TestCase("Email__Smtp__OAuth__Grant", "1", "Email__Smtp__OAuth__Grant must be ClientCredentials, RefreshToken or ServiceAccount, but is '1'.")]
    [TestCase("Email__Smtp__OAuth__Grant", null, "Email__Smtp__OAuth__Grant or Email__Smtp__OAuth__TokenFile is required when Email__Smtp__OAuth is used.")]
    [TestCase("Email__Smtp__OAuth__TokenFile", "token", "Email__Smtp__OAuth__Grant and Email__Smtp__OAuth__TokenFile must not both be set.")]
    [TestCase("Email__Smtp__OAuth__TokenEndpoint", null, "Email__Smtp__OAuth__TokenEndpoint is required when Email__Smtp__OAuth__Grant is ClientCredentials.")]
    [TestCase("Email__Smtp__OAuth__ClientId", " ", "Email__Smtp__OAuth__ClientId is required when Email__Smtp__OAuth__Grant is ClientCredentials.")]
    [TestCase("Email__Smtp__OAuth__ClientSecret", "", "Email__Smtp__OAuth__ClientSecret (or Email__Smtp__OAuth__ClientSecretFile) is required when Email__Smtp__OAuth__Grant is ClientCredentials.")]
    [TestCase("Email__Smtp__OAuth__ClientSecretFile", "secret", "Email__Smtp__OAuth__ClientSecret and Email__Smtp__OAuth__ClientSecretFile must not both be set.")]
    [TestCase("Email__Smtp__OAuth__RefreshToken", "1//token", "Email__Smtp__OAuth__RefreshToken (or Email__Smtp__OAuth__RefreshTokenFile) is of no use when Email__Smtp__OAuth__Grant is ClientCredentials.")]
    [TestCase("Email__Smtp__OAuth__ServiceAccountFile", "key.json", "Email__Smtp__OAuth__ServiceAccountFile is of no use when Email__Smtp__OAuth__Grant is ClientCredentials.")]
    [TestCase("Email__Smtp__OAuth__Mailbox", null, "Email__Smtp__OAuth__Mailbox is required when Email__Smtp__OAuth is used.")]
    [TestCase("Email__Smtp__OAuth__Mailbox", "a@shop.example,b@shop.example", "Email__Smtp__OAuth__Mailbox must be one account like orders@shop.example, but is 'a@shop.example,b@shop.example'.")]
    [TestCase("Email__Smtp__OAuth__Mailbox", "zoë@shop.example", "Email__Smtp__OAuth__Mailbox must be one account like orders@shop.example")]
    [TestCase("Email__Smtp__OAuth__TokenEndpoint", "http://login.example/token", "Email__Smtp__OAuth__TokenEndpoint must be an address that begins with https://, or with http:// on this machine.")]
    [TestCase("Email__Smtp__OAuth__TokenEndpoint", "login.example/token", "Email__Smtp__OAuth__TokenEndpoint must be an address that begins with https://")]
    [TestCase("Email__Smtp__Security", "None", "Email__Smtp__Security must be StartTls or Tls when Email__Smtp__OAuth is used and Email__Smtp__Host is another machine: the token would be sent in clear.")]
    [TestCase("Email__Smtp__Username", "shop", "Email__Smtp__Username and Email__Smtp__OAuth must not both be set: we log in with a password or with a token.")]
    [TestCase("Email__Smtp__Password", "s3cret", "Email__Smtp__Username and Email__Smtp__OAuth must not both be set")]
    [TestCase("Email__Smtp__Authentication", "Plain", "Email__Smtp__Authentication must be Auto when Email__Smtp__OAuth is used: the others are logins with a password.")]
    [TestCase("Email__Smtp__OAuth__Tenant", "shop", "Email__Smtp__OAuth__Tenant is not a setting. There are Email__Smtp__OAuth__Grant, Email__Smtp__OAuth__TokenEndpoint")]
    public void A_mistake_with_client_credentials_is_named(string key, string? value, string message) => Expect([.. ClientCredentials, (key, value)], message);

    [TestCase("Email__Smtp__OAuth__RefreshToken", null, "Email__Smtp__OAuth__RefreshToken (or Email__Smtp__OAuth__RefreshTokenFile) is required when Email__Smtp__OAuth__Grant is RefreshToken.")]
    [TestCase("Email__Smtp__OAuth__ClientId", null, "Email__Smtp__OAuth__ClientId is required when Email__Smtp__OAuth__Grant is RefreshToken.")]
    [TestCase("Email__Smtp__OAuth__TokenEndpoint", null, "Email__Smtp__OAuth__TokenEndpoint is required when Email__Smtp__OAuth__Grant is RefreshToken.")]
    public void A_mistake_with_a_refresh_token_is_named(string key, string? value, string message) => Expect([.. RefreshToken, (key, value)], message);

    [TestCase("Email__Smtp__OAuth__Scope", null, "Email__Smtp__OAuth__Scope is required when Email__Smtp__OAuth__Grant is ServiceAccount.")]
    [TestCase("Email__Smtp__OAuth__ServiceAccountFile", null, "Email__Smtp__OAuth__ServiceAccountFile is required when Email__Smtp__OAuth__Grant is ServiceAccount.")]
    [TestCase("Email__Smtp__OAuth__ServiceAccountFile", "nowhere.json", "Email__Smtp__OAuth__ServiceAccountFile cannot be read: Could not find file")]
    [TestCase("Email__Smtp__OAuth__ClientId", "worker", "Email__Smtp__OAuth__ClientId is of no use when Email__Smtp__OAuth__Grant is ServiceAccount.")]
    public void A_mistake_with_a_service_account_is_named(string key, string? value, string message) => Expect([.. ServiceAccount("{}"), (key, value)], message);

    [TestCase("no JSON", "It is not JSON.")]
    [TestCase("[]", "It has no client_email.")]
    [TestCase("""{"client_email":"mailer@project.example"}""", "It has no private_key.")]
    [TestCase("""{"client_email":"mailer@project.example","private_key":"s3cret"}""", "Its private_key is not an RSA key in PEM.")]
    public void So_is_one_in_its_key(string key, string message) => Expect(ServiceAccount(key), $"Email__Smtp__OAuth__ServiceAccountFile cannot be read: {message}");

    [TestCase("", "Email__Smtp__OAuth__TokenFile cannot be read: It holds no access token.")]
    [TestCase("s3cret and more", "Email__Smtp__OAuth__TokenFile cannot be read: It holds no access token.")]
    public void So_is_a_file_without_a_token(string text, string message) => Expect([.. Smtp, ($"{OAuth}__TokenFile", Write("no-token", text))], message);

    [Test]
    public void So_is_what_a_token_from_a_file_does_not_need() =>
        Expect([.. Smtp, ($"{OAuth}__TokenFile", Write("token", "ya29.token")), ($"{OAuth}__Scope", "mail")], "Email__Smtp__OAuth__Scope is of no use when Email__Smtp__OAuth__TokenFile is set.");

    private static void Expect((string, string?)[] settings, string message)
    {
        using var host = EmailHost.With(settings);

        Assert.That(
            host.StartAsync, Throws.InstanceOf<OptionsValidationException>().With.Message.Contains(message).And.Message.Not.Contain("s3cret"));
    }

    private (string, string?)[] ServiceAccount(string key) =>
    [
        .. Smtp,
        ($"{OAuth}__Grant", "ServiceAccount"),
        ($"{OAuth}__Scope", "https://mail.google.com/"),
        ($"{OAuth}__ServiceAccountFile", Write($"{Guid.NewGuid():N}.json", key)),
    ];

    private string Write(string name, string text)
    {
        var file = Path.Combine(_files.FullName, name);
        File.WriteAllText(file, text);
        return file;
    }
}

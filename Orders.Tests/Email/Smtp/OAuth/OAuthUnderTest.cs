namespace Orders.Tests.Email.Smtp.OAuth;

/// <summary>A mail server that wants a token, an endpoint that gives tokens, and senders that use both.</summary>
internal sealed class OAuthUnderTest : IAsyncDisposable
{
    private readonly DirectoryInfo _files = Directory.CreateTempSubdirectory("orders-tests-oauth-");
    private readonly List<EmailHost> _hosts = [];

    private OAuthUnderTest(FakeTokenEndpoint tokens) => Tokens = tokens;

    public FakeTokenEndpoint Tokens { get; }

    public FakeSmtpServer Mail { get; } = FakeSmtpServer.StartForToken(FakeTokenEndpoint.Mailbox, FakeTokenEndpoint.Token(1));

    public TestClock Clock { get; } = new(DateTimeOffset.UtcNow);

    /// <summary>What the senders have logged, to the least detail.</summary>
    public IEnumerable<string> Log => _hosts.SelectMany(host => host.Logs.All).Select(entry => entry.Message);

    public static async Task<OAuthUnderTest> StartAsync() => new(await FakeTokenEndpoint.StartAsync());

    /// <summary>Writes a file, and returns its name.</summary>
    public string Write(string name, string text)
    {
        var file = Path.Combine(_files.FullName, name);
        File.WriteAllText(file, text);
        return file;
    }

    /// <summary>The settings of a grant, by the names of their environment variables.</summary>
    public (string Key, string? Value)[] Grant(string grant) =>
    [
        .. grant switch
        {
            "ClientCredentials" => Client,
            "RefreshToken" => [.. Client, ("Email__Smtp__OAuth__RefreshTokenFile", Write("refresh-token", $"{Tokens.RefreshToken}\n"))],
            "ServiceAccount" => new[] { ("Email__Smtp__OAuth__ServiceAccountFile", (string?)Write("key.json", Tokens.ServiceAccountKey())) },
            _ => throw new ArgumentOutOfRangeException(nameof(grant)),
        },
        ("Email__Smtp__OAuth__Grant", grant),
        ("Email__Smtp__OAuth__Scope", FakeTokenEndpoint.Scope),
        ("Email__Smtp__OAuth__Mailbox", FakeTokenEndpoint.Mailbox),
    ];

    public EmailHost Host(params (string, string?)[] settings)
    {
        var host = EmailHost.For(Mail, Clock, settings);
        _hosts.Add(host);
        return host;
    }

    /// <summary>Has the mail server take the token of the n-th request, counted from 1, and no other.</summary>
    public void Accept(int number) => Mail.AccessToken = (FakeTokenEndpoint.Mailbox, FakeTokenEndpoint.Token(number));

    public async ValueTask DisposeAsync()
    {
        _hosts.ForEach(host => host.Dispose());
        await Mail.DisposeAsync();
        await Tokens.DisposeAsync();
        _files.Delete(recursive: true);
    }

    private (string, string?)[] Client =>
    [
        ("Email__Smtp__OAuth__TokenEndpoint", Tokens.Url),
        ("Email__Smtp__OAuth__ClientId", FakeTokenEndpoint.ClientId),
        ("Email__Smtp__OAuth__ClientSecretFile", Write("client-secret", $"{FakeTokenEndpoint.ClientSecret}\n")),
    ];
}

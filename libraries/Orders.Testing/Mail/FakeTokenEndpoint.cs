using System.Buffers.Text;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Orders.Testing.Mail;

/// <summary>
/// A token endpoint (RFC 6749, section 3.2) on 127.0.0.1 that gives a new token to each request that is right in all its
/// fields, and answers as RFC 6749, section 5.2 says to others.
/// </summary>
internal sealed class FakeTokenEndpoint : IAsyncDisposable
{
    public const string ClientId = "worker";
    public const string ClientSecret = "s3cret of the client/+=";
    public const string Scope = "https://mail.example/.default";
    public const string Mailbox = "orders@shop.example";

    /// <summary>With what every token begins, and nothing else does.</summary>
    public const string TokenPrefix = "ya29.";

    private const string ServiceAccount = "mailer@project.iam.example";

    private readonly WebApplication _app;
    private readonly RSA _key = RSA.Create(2048);
    private readonly Lock _lock = new();
    private readonly List<IReadOnlyDictionary<string, string>> _requests = [];

    private FakeTokenEndpoint(WebApplication app) => _app = app;

    public string Url => $"{_app.Urls.Single()}/token";

    /// <summary>The refresh token that it takes.</summary>
    public string RefreshToken { get; set; } = "1//refresh-token-1";

    /// <summary>The refresh token that it gives in its place with the next token, and takes from then on.</summary>
    public string? NextRefreshToken { get; set; }

    /// <summary>How long a token holds, in seconds.</summary>
    public int ExpiresIn { get; set; } = 3600;

    /// <summary>What it answers to a request that it has read, where a test wants something else: a status and a body.</summary>
    public Func<(int Status, string Body)?> Answer { get; set; } = () => null;

    /// <summary>Holds back every answer until it has ended, where a test sets one.</summary>
    public Task Delay { get; set; } = Task.CompletedTask;

    /// <summary>The forms that came, in order.</summary>
    public IReadOnlyList<IReadOnlyDictionary<string, string>> Requests
    {
        get
        {
            lock (_lock)
            {
                return [.. _requests];
            }
        }
    }

    /// <summary>The token that it gives to the n-th request, counted from 1.</summary>
    public static string Token(int number) => $"{TokenPrefix}token-{number.ToString(CultureInfo.InvariantCulture)}";

    public static async Task<FakeTokenEndpoint> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        var endpoint = new FakeTokenEndpoint(app);
        app.Run(endpoint.AnswerAsync);
        await app.StartAsync();
        return endpoint;
    }

    /// <summary>Google's JSON key of the service account that it knows.</summary>
    public string ServiceAccountKey() => JsonSerializer.Serialize(new
    {
        type = "service_account",
        private_key_id = "key-1",
        private_key = _key.ExportPkcs8PrivateKeyPem(),
        client_email = ServiceAccount,
        token_uri = Url,
    });

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        _key.Dispose();
    }

    private async Task AnswerAsync(HttpContext http)
    {
        var form = await http.Request.ReadFormAsync();
        var fields = form.ToDictionary(field => field.Key, field => field.Value.ToString());
        int number;
        lock (_lock)
        {
            _requests.Add(fields);
            number = _requests.Count;
        }

        await Delay.WaitAsync(http.RequestAborted);
        var (status, body) = http.Request.Method != "POST" || http.Request.Path != "/token" ? (404, "") : Answer() ?? Judge(fields, number);
        http.Response.StatusCode = status;
        if (status is >= 300 and < 400)
        {
            http.Response.Headers.Location = "/elsewhere";
        }

        http.Response.ContentType = "application/json";
        await http.Response.WriteAsync(body);
    }

    private (int Status, string Body) Judge(Dictionary<string, string> fields, int number)
    {
        string Field(string name) => fields.GetValueOrDefault(name, "");

        var error = Field("grant_type") switch
        {
            "client_credentials" => FindErrorOfClient(Field) ?? FindErrorOfScope(Field),
            "refresh_token" => FindErrorOfClient(Field) ?? (Field("refresh_token") == RefreshToken ? null : "invalid_grant"),
            "urn:ietf:params:oauth:grant-type:jwt-bearer" => IsSigned(Field("assertion")) ? null : "invalid_grant",
            _ => "unsupported_grant_type",
        };
        if (error is not null)
        {
            return (error == "invalid_client" ? 401 : 400, JsonSerializer.Serialize(new { error, error_description = $"{error} of\r\n{string.Join(' ', fields.Values)}" }));
        }

        var answer = new Dictionary<string, object> { ["token_type"] = "Bearer", ["expires_in"] = ExpiresIn, ["access_token"] = Token(number) };
        if (Field("grant_type") == "refresh_token" && NextRefreshToken is not null)
        {
            (RefreshToken, NextRefreshToken) = (NextRefreshToken, null);
            answer["refresh_token"] = RefreshToken;
        }

        return (200, JsonSerializer.Serialize(answer));
    }

    private static string? FindErrorOfClient(Func<string, string> field) => field("client_id") == ClientId && field("client_secret") == ClientSecret ? null : "invalid_client";

    private static string? FindErrorOfScope(Func<string, string> field) => field("scope") == Scope ? null : "invalid_scope";

    // RFC 7523, section 3, and what Google wants besides.
    private bool IsSigned(string assertion)
    {
        var parts = assertion.Split('.');
        if (parts.Length != 3
            || !_key.VerifyData(Encoding.ASCII.GetBytes($"{parts[0]}.{parts[1]}"), Base64Url.DecodeFromChars(parts[2]), HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1))
        {
            return false;
        }

        using var header = JsonDocument.Parse(Base64Url.DecodeFromChars(parts[0]));
        using var claims = JsonDocument.Parse(Base64Url.DecodeFromChars(parts[1]));
        string? Claim(string name) => claims.RootElement.GetProperty(name).GetString();
        long Seconds(string name) => claims.RootElement.GetProperty(name).GetInt64();

        return header.RootElement.GetProperty("alg").GetString() == "RS256"
            && header.RootElement.GetProperty("kid").GetString() == "key-1"
            && Claim("iss") == ServiceAccount
            && Claim("sub") == Mailbox
            && Claim("scope") == Scope
            && Claim("aud") == Url
            && Seconds("exp") - Seconds("iat") is > 0 and <= 3600
            && DateTimeOffset.FromUnixTimeSeconds(Seconds("iat")) <= DateTimeOffset.UtcNow;
    }
}

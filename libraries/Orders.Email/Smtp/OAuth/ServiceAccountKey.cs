using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text.Json;

namespace Orders.Email.Smtp.OAuth;

/// <summary>Google's JSON key of a service account.</summary>
/// <param name="email">The account.</param>
/// <param name="keyId">By which of its keys it signs, where the file says so.</param>
/// <param name="key">That key.</param>
/// <param name="endpoint">Where it gets tokens.</param>
internal sealed class ServiceAccountKey(string email, string? keyId, RSA key, Uri? endpoint) : IDisposable
{
    // The longest that Google takes.
    private static readonly TimeSpan Lifetime = TimeSpan.FromHours(1);

    /// <summary>The <c>token_uri</c>, where it is one that may get what we sign.</summary>
    public Uri? Endpoint => endpoint;

    /// <summary>Reads the file.</summary>
    /// <exception cref="CryptographicException">It holds something else. The message shows nothing of it.</exception>
    public static ServiceAccountKey Read(string file)
    {
        try
        {
            using var json = JsonDocument.Parse(File.ReadAllBytes(file));
            return new ServiceAccountKey(Get(json, "client_email"), Find(json, "private_key_id"), ReadKey(Get(json, "private_key")), OAuthOptions.ParseEndpoint(Find(json, "token_uri")));
        }
        catch (JsonException)
        {
            throw new CryptographicException("It is not JSON.");
        }
    }

    /// <summary>States that we act for a mailbox: a signed JWT (RFC 7523, section 3).</summary>
    /// <param name="audience">Whom it is for.</param>
    /// <param name="mailbox">For whom we act.</param>
    /// <param name="scope">What we want to do.</param>
    /// <param name="now">When it begins to hold.</param>
    public string Assert(Uri audience, string mailbox, string scope, DateTimeOffset now)
    {
        var header = new Dictionary<string, object> { ["alg"] = "RS256", ["typ"] = "JWT" };
        if (keyId is not null)
        {
            header["kid"] = keyId;
        }

        var claims = new Dictionary<string, object>
        {
            ["iss"] = email,
            ["sub"] = mailbox,
            ["scope"] = scope,
            ["aud"] = audience.OriginalString,
            ["iat"] = now.ToUnixTimeSeconds(),
            ["exp"] = (now + Lifetime).ToUnixTimeSeconds(),
        };
        var statement = $"{Encode(header)}.{Encode(claims)}";
        var signature = key.SignData(System.Text.Encoding.ASCII.GetBytes(statement), HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        return $"{statement}.{Base64Url.EncodeToString(signature)}";
    }

    public void Dispose() => key.Dispose();

    private static string Encode(Dictionary<string, object> part) => Base64Url.EncodeToString(JsonSerializer.SerializeToUtf8Bytes(part));

    private static string Get(JsonDocument json, string name) =>
        Find(json, name) is { Length: > 0 } value ? value : throw new CryptographicException($"It has no {name}.");

    private static string? Find(JsonDocument json, string name) =>
        json.RootElement.ValueKind == JsonValueKind.Object && json.RootElement.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String
            ? value.GetString()
            : null;

    private static RSA ReadKey(string pem)
    {
        var key = RSA.Create();
        try
        {
            key.ImportFromPem(pem);
            // A public key could be read as well, and would fail later.
            key.ExportParameters(includePrivateParameters: true);
            return key;
        }
        catch (Exception exception) when (exception is ArgumentException or CryptographicException)
        {
            key.Dispose();
            throw new CryptographicException("Its private_key is not an RSA key in PEM.");
        }
    }
}

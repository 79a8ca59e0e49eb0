using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;

namespace Orders.FaultQueues.CommandLine;

/// <summary>Something that a person should read in one line, and the exit code that goes with it.</summary>
internal sealed class FaultsCommandException(string message, int exitCode = FaultsCommand.Failed) : Exception(message)
{
    public int ExitCode => exitCode;
}

/// <summary>Calls the HTTP API of the fault queues.</summary>
internal sealed class FaultsClient : IDisposable
{
    private readonly HttpClient _http;
    private readonly Uri _url;
    private readonly bool _hasUser;

    /// <param name="url">The address of the program, without the path of the API.</param>
    /// <param name="user">Whom to sign in, or nobody.</param>
    public FaultsClient(Uri url, (string Name, string Password)? user)
    {
        _url = url;
        _hasUser = user is not null;
        // Neither a proxy nor another address is told the password.
        _http = new HttpClient(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false })
        {
            BaseAddress = new Uri(url, $"{url.AbsolutePath.TrimEnd('/')}{Http.FaultApi.Path}/"),
        };
        if (user is var (name, password))
        {
            _http.DefaultRequestHeaders.Authorization =
                new AuthenticationHeaderValue("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"{name}:{password}")));
        }
    }

    /// <summary>Calls the API.</summary>
    /// <param name="method">The method.</param>
    /// <param name="path">The address below <see cref="Http.FaultApi.Path"/>.</param>
    /// <param name="body">What to send as JSON.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The answer's JSON as it came; empty where there is none.</returns>
    /// <exception cref="FaultsCommandException">Nobody answered, or not what was asked for.</exception>
    public async Task<string> SendAsync(HttpMethod method, string path, object? body, CancellationToken cancellationToken)
    {
        try
        {
            using var request = new HttpRequestMessage(method, path);
            request.Content = body is null ? null : JsonContent.Create(body, body.GetType(), options: JsonSerializerOptions.Web);
            using var response = await _http.SendAsync(request, cancellationToken);
            var text = await response.Content.ReadAsStringAsync(cancellationToken);
            return response.IsSuccessStatusCode ? text : throw new FaultsCommandException(Explain(response, text));
        }
        catch (HttpRequestException exception)
        {
            throw new FaultsCommandException($"Cannot connect to {_url}: {exception.Message}");
        }
        catch (TaskCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new FaultsCommandException($"{_url} did not answer within {_http.Timeout.TotalSeconds} s.");
        }
    }

    /// <summary>What the API's JSON says.</summary>
    public T Read<T>(string json)
    {
        try
        {
            return JsonSerializer.Deserialize<T>(json, JsonSerializerOptions.Web)!;
        }
        catch (JsonException)
        {
            throw new FaultsCommandException(NotThere);
        }
    }

    public void Dispose() => _http.Dispose();

    private string NotThere => $"There are no fault queues at {_url}.";

    private string Explain(HttpResponseMessage response, string text)
    {
        if (response.StatusCode == HttpStatusCode.Unauthorized)
        {
            return _hasUser
                ? "The name or the password is wrong."
                : $"This takes a name and a password: set {FaultsCommand.UserVariable} and {FaultsCommand.PasswordVariable}, or give --user and --password-file.";
        }

        if (response.Content.Headers.ContentType?.MediaType != "application/problem+json")
        {
            return NotThere;
        }

        var problem = Read<HttpValidationProblemDetails>(text);
        return problem.Errors.Count > 0
            ? string.Join(' ', problem.Errors.Select(error => $"{error.Key}: {string.Join(' ', error.Value)}"))
            : string.Join(". ", new[] { response.StatusCode == HttpStatusCode.ServiceUnavailable ? problem.Title : null, problem.Detail ?? problem.Title }.OfType<string>());
    }
}

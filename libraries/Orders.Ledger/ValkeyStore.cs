using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Orders.Ledger;

/// <summary>The Valkey or Redis server on which the ledger is kept. Each change of an entry is one script, and one way there and back.</summary>
public sealed class ValkeyStore(IConnectionMultiplexer connection, IOptions<LedgerOptions> options)
{
    /// <summary>The entry that <see cref="TryWriteAsync"/> writes, the same for all programs.</summary>
    internal const string HealthKey = "ledger:health";

    private const string Write = "redis.call('SET', KEYS[1], '', 'PX', 60000)";

    private readonly bool _waits = options.Value.WhenUnreachable == WhenUnreachable.Wait;
    private string? _problem;

    /// <summary>Whether there is a connection: an answer that costs nothing.</summary>
    public bool IsConnected => connection.IsConnected;

    /// <summary>Why there is no connection, as far as that is known; <c>null</c> where there is one.</summary>
    public string? Problem => connection.IsConnected ? null : _problem ?? "The ledger cannot be reached: there is no connection.";

    /// <summary>Runs a script on one entry.</summary>
    /// <param name="script">The script, always the same text for the same purpose: the server keeps it.</param>
    /// <param name="key">The entry.</param>
    /// <param name="arguments">What the script knows as <c>ARGV</c>.</param>
    /// <inheritdoc cref="AskAsync" path="/exception"/>
    public Task<RedisResult> EvaluateAsync(string script, RedisKey key, params RedisValue[] arguments) =>
        AskAsync(server => server.GetDatabase().ScriptEvaluateAsync(script, [key], arguments));

    /// <summary>Writes an entry of no meaning, which is gone after a minute, to find out whether the server takes any.</summary>
    /// <inheritdoc cref="AskAsync" path="/exception"/>
    public Task TryWriteAsync() => AskInAnyCaseAsync(server => server.GetDatabase().ScriptEvaluateAsync(Write, [HealthKey]));

    /// <summary>Asks the server. While there is no connection, one is waited for, though not by who may do without.</summary>
    /// <exception cref="LedgerUnreachableException">The server did not answer within <see cref="LedgerRegistration.Patience"/>, or refused.</exception>
    public async Task<T> AskAsync<T>(Func<IConnectionMultiplexer, Task<T>> ask) =>
        !_waits && Problem is { } problem
            ? throw new LedgerUnreachableException(problem, mayHaveHappened: false)
            : await AskInAnyCaseAsync(ask);

    private async Task<T> AskInAnyCaseAsync<T>(Func<IConnectionMultiplexer, Task<T>> ask)
    {
        try
        {
            return await ask(connection);
        }
        catch (RedisTimeoutException)
        {
            throw new LedgerUnreachableException(
                $"The ledger did not answer within {LedgerRegistration.Patience.TotalSeconds:0} s.", mayHaveHappened: true);
        }
        catch (RedisConnectionException exception)
        {
            _problem = $"The ledger cannot be reached: {exception.FailureType}.";
            throw new LedgerUnreachableException(_problem, mayHaveHappened: exception.CommandStatus is CommandStatus.Sent or CommandStatus.Unknown);
        }
        catch (RedisServerException exception)
        {
            throw new LedgerUnreachableException($"The ledger refused: {exception.Message.ReplaceLineEndings(" ")}", mayHaveHappened: false);
        }
        catch (Exception exception) when (exception is RedisException or RedisCommandException or ObjectDisposedException)
        {
            throw new LedgerUnreachableException($"The ledger cannot be used: {exception.GetType().Name}.", mayHaveHappened: true);
        }
    }
}

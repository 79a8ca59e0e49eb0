using Microsoft.Extensions.Options;
using Orders.ServiceDefaults.Configuration;
using StackExchange.Redis;

namespace Orders.Ledger;

public static class LedgerRegistration
{
    /// <summary>How long the store may take for an answer, and for a new connection.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    // Soon enough for a store that was restarted, seldom enough for one that is gone.
    private static readonly TimeSpan BetweenConnects = TimeSpan.FromMilliseconds(500);

    /// <summary>
    /// Adds the options of section <c>Ledger</c> and, where the store is a server, the process's one
    /// <see cref="IConnectionMultiplexer"/>. It connects when it is first asked for and by itself ever after: a server that
    /// is down keeps no program from starting.
    /// </summary>
    public static void AddLedger(this IHostApplicationBuilder builder)
    {
        builder.AddValidatedOptions<LedgerOptions>(LedgerOptions.Section);
        if (builder.Configuration.GetLedgerStore() == LedgerStore.Valkey)
        {
            builder.Services.AddSingleton(Connect);
            builder.Services.AddSingleton<ValkeyStore>();
            builder.Services.AddHealthChecks().AddCheck<LedgerHealthCheck>("ledger");
        }
    }

    /// <summary>The store in force, needed while the program is still being composed.</summary>
    /// <exception cref="OptionsValidationException">The configuration names a store that does not exist.</exception>
    public static LedgerStore GetLedgerStore(this IConfiguration configuration) =>
        configuration.ReadOptions<LedgerOptions>(LedgerOptions.Section).Store;

    private static IConnectionMultiplexer Connect(IServiceProvider services)
    {
        var valkey = services.GetRequiredService<IOptions<LedgerOptions>>().Value.Valkey;
        return ConnectionMultiplexer.Connect(new ConfigurationOptions
        {
            EndPoints = { valkey.ReadEndpoint() },
            User = string.IsNullOrEmpty(valkey.Username) ? null : valkey.Username,
            Password = valkey.Password,
            Ssl = valkey.Tls,
            ClientName = services.GetRequiredService<IHostEnvironment>().ApplicationName,
            AbortOnConnectFail = false,
            ConnectRetry = 1,
            ConnectTimeout = (int)Patience.TotalMilliseconds,
            AsyncTimeout = (int)Patience.TotalMilliseconds,
            SyncTimeout = (int)Patience.TotalMilliseconds,
            ReconnectRetryPolicy = new LinearRetry((int)BetweenConnects.TotalMilliseconds),
            // A silent server must be found out before many have waited for it.
            KeepAlive = 5,
        });
    }
}

using MassTransit;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Orders.Email.Deliveries;
using Orders.Email.RateLimiting;
using Orders.Ledger;
using Orders.Messaging;
using Orders.Messaging.Operators;

namespace Orders.Email.Outages;

public static class MailOutageRegistration
{
    // RabbitMQ wants every message acknowledged within 30 minutes.
    private static readonly TimeSpan LongestHold = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan LongestInAll = TimeSpan.FromMinutes(20);

    /// <summary>Has emails wait while the mail server is down for all of them, and tells of it.</summary>
    /// <param name="builder">The program.</param>
    /// <param name="events">What its operator events begin with, before <c>.outage.began</c> and <c>.outage.ended</c>.</param>
    /// <param name="prefetch">How many messages an endpoint has prefetched for each that it has in hand.</param>
    public static void AddMailOutages(this IHostApplicationBuilder builder, string events, Func<IServiceProvider, double> prefetch)
    {
        var inMemory = builder.Configuration.GetTransport() == Transport.InMemory;
        builder.Services.TryAddSingleton<OperatorEvents>();
        builder.Services.AddPublishedMessages(typeof(MailServerUnreachable), typeof(MailServerReachable));
        builder.Services.AddSingleton(new MailOutageEvents(events));
        builder.Services.AddSingleton<MailCircuitBreaker>();
        builder.AddEmailRateLimiter();
        builder.AddDeliveryLedger();
        builder.Services.AddHostedService<MailOutageAnnouncer>();
        builder.Services.AddHealthChecks().AddCheck<MailServerHealthCheck>("mail-server");
        builder.Services.AddSingleton<IEmailSender>(services => new CircuitBreakerEmailSender(
            new MeasuredEmailSender(EmailRegistration.CreateSender(services), services.GetRequiredService<EmailMetrics>()).WithLedger(services),
            services.GetRequiredService<MailCircuitBreaker>(),
            services.GetConnections(),
            services.GetRequiredService<IEmailRateLimiter>(),
            inMemory ? Timeout.InfiniteTimeSpan : HoldFor(prefetch(services)),
            services.GetRequiredService<ILogger<CircuitBreakerEmailSender>>(),
            services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping));
    }

    /// <summary>Has a message come back later when its email may wait no longer, or somebody else is sending it. Put it last in the message's pipe.</summary>
    /// <typeparam name="TMessage">The message whose consumer sends emails.</typeparam>
    /// <param name="messages">The consumer's pipe of that message.</param>
    /// <param name="roundTrip">As <see cref="DeferredEmailFilter{TMessage}"/> has it.</param>
    /// <param name="waitsForEver">As <see cref="DeferredEmailFilter{TMessage}"/> has it.</param>
    public static void UseDeferredEmails<TMessage>(this IPipeConfigurator<ConsumeContext<TMessage>> messages, TimeSpan roundTrip, bool waitsForEver)
        where TMessage : class =>
        messages.UseFilter(new DeferredEmailFilter<TMessage>(roundTrip, waitsForEver));

    private static void AddEmailRateLimiter(this IHostApplicationBuilder builder)
    {
        builder.Services.AddSingleton<LocalEmailRateLimiter>();
        if (builder.Configuration.GetLedgerStore() == LedgerStore.Valkey)
        {
            builder.Services.AddSingleton<IEmailRateLimiter, SharedEmailRateLimiter>();
        }
        else
        {
            builder.Services.AddSingleton<IEmailRateLimiter>(services => services.GetRequiredService<LocalEmailRateLimiter>());
        }
    }

    /// <summary>What was prefetched waits until all that came before it has been held in its turn.</summary>
    private static TimeSpan HoldFor(double prefetch)
    {
        var turns = 1 + prefetch;
        return LongestHold < LongestInAll / turns ? LongestHold : LongestInAll / turns;
    }
}

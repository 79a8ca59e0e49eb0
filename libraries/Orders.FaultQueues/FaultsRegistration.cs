using MassTransit;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using Orders.FaultQueues.Access;
using Orders.FaultQueues.Audit;
using Orders.FaultQueues.Backlog;
using Orders.FaultQueues.Http;
using Orders.FaultQueues.Inspection;
using Orders.FaultQueues.Job;
using Orders.FaultQueues.Live;
using Orders.FaultQueues.Operations;
using Orders.FaultQueues.Pages;
using Orders.FaultQueues.Policy;
using Orders.FaultQueues.Queues;
using Orders.Messaging;
using Orders.Messaging.Operators;
using Orders.ServiceDefaults.Configuration;

namespace Orders.FaultQueues;

public static class FaultsRegistration
{
    /// <summary>Has the faults of an endpoint looked after, in processes that have that part of the work.</summary>
    /// <param name="builder">The program.</param>
    /// <param name="endpoint">The endpoint.</param>
    /// <param name="announcer">Makes what tells other programs of its parked messages; <c>null</c> where nobody does.</param>
    public static void AddFaultEndpoint(
        this IHostApplicationBuilder builder, FaultEndpoint endpoint, Func<IServiceProvider, IParkedAnnouncer>? announcer = null)
    {
        builder.Services.AddSingleton(endpoint);
        builder.Services.TryAddSingleton<FaultEndpoints>();
        if (announcer is not null)
        {
            builder.Services.AddKeyedSingleton(endpoint.Queue, (services, _) => announcer(services));
        }
    }

    /// <summary>Has the faults of the endpoints of other programs looked after that the configuration names.</summary>
    /// <param name="builder">The program.</param>
    /// <param name="isAlone">Whether there are no others, so that there must be one, and the first is the default.</param>
    /// <exception cref="OptionsValidationException">Something is wrong with what it says.</exception>
    public static void AddForeignFaultEndpoints(this IHostApplicationBuilder builder, bool isAlone = false)
    {
        builder.Services.AddPublishedMessages(typeof(FaultParked));
        var needsDefault = isAlone;
        foreach (var section in builder.Configuration.GetSection($"{FaultsOptions.Section}:{nameof(FaultsOptions.Queues)}").GetChildren())
        {
            var queue = builder.Configuration.ReadOptions<FaultQueueOptions>(section.Path);
            if (queue.FindMistakes(ValidatedOptions.Variable(section)).ToArray() is { Length: > 0 } mistakes)
            {
                throw new OptionsValidationException(section.Path, typeof(FaultQueueOptions), mistakes);
            }

            var endpoint = queue.ToEndpoint() with { IsDefault = needsDefault };
            builder.AddFaultEndpoint(endpoint, services => new FaultParkedAnnouncer(endpoint, services));
            builder.Services.AddSingleton(new WatchedQueues([endpoint.Queue], []));
            needsDefault = false;
        }

        if (needsDefault)
        {
            throw new OptionsValidationException(
                FaultsOptions.Section, typeof(FaultsOptions), ["Faults__Queues__0__Name is required: the queue of an endpoint whose faults are to be looked after."]);
        }
    }

    /// <summary>Adds the redeliver job and what it needs.</summary>
    public static void AddFaults(this IHostApplicationBuilder builder)
    {
        builder.AddValidatedOptions<ReplayOptions>(ReplayOptions.Section);
        builder.AddFaultApi();

        if (builder.Configuration.GetTransport() == Transport.RabbitMq)
        {
            builder.AddAuditTrail();
            builder.Services.AddSingleton<ITopologyPart, FaultsTopology>();
            builder.Services.AddSingleton<IFaultRights>(services => services.GetRequiredService<RabbitMqFaultRights>());
            builder.Services.AddSingleton<AbsentQueues>();
            builder.Services.AddSingleton<RabbitMqFaultSender>();
            builder.Services.AddSingleton<IFaultTransport, RabbitMqFaultTransport>();
            builder.Services.AddHostedService(services => services.GetRequiredService<RabbitMqAuditTrail>());
        }
        else
        {
            builder.Services.AddSingleton<IFaultRights, EveryRight>();
            builder.Services.AddSingleton<InMemoryFaultTransport>();
            builder.Services.AddSingleton<IFaultTransport>(services => services.GetRequiredService<InMemoryFaultTransport>());
            builder.Services.AddSingleton<IAuditTrail, InMemoryAuditTrail>();
        }

        builder.Services.TryAddSingleton<OperatorEvents>();
        builder.Services.AddSingleton<RedeliverPolicy>();
        builder.Services.AddSingleton<FaultReading>();
        builder.Services.AddSingleton<FaultLooks>();
        builder.Services.AddSingleton<FaultInspector>();
        builder.Services.AddSingleton<FaultMetrics>();
        builder.Services.TryAddSingleton<ParkedNews>();
        builder.Services.AddSingleton<FaultMover>();
        builder.Services.AddSingleton<FaultFeed>();
        builder.Services.AddSingleton<FaultOperations>();
        builder.Services.AddHostedService(services => services.GetRequiredService<FaultOperations>());
        builder.Services.AddHostedService<FaultWatch>();
        builder.AddBacklogWatch();
        builder.Services.AddHostedService<FaultJobs>();
    }

    /// <summary>Adds what an endpoint on RabbitMQ needs that has the broker park what it does not take for the error queue.</summary>
    public static void AddRefusedFaults(this IHostApplicationBuilder builder)
    {
        if (builder.Configuration.GetTransport() == Transport.RabbitMq)
        {
            builder.AddAuditTrail();
            builder.Services.TryAddSingleton<ParkedNews>();
            builder.Services.TryAddSingleton<RefusedFaults>();
        }
    }

    /// <summary>Adds the audit trail on RabbitMQ, to be written to; who reads it runs it as well.</summary>
    private static void AddAuditTrail(this IHostApplicationBuilder builder)
    {
        builder.Services.TryAddSingleton<RabbitMqConnection>();
        builder.Services.TryAddSingleton<RabbitMqFaultRights>();
        builder.Services.TryAddSingleton<RabbitMqAuditTrail>();
        builder.Services.TryAddSingleton<IAuditTrail>(services => services.GetRequiredService<RabbitMqAuditTrail>());
    }

    /// <summary>Maps the API and the pages of the fault queues, where this process has that part of the work; and the sign-in everywhere.</summary>
    public static void MapFaults(this WebApplication app)
    {
        app.UseFaultAccess();
        if (!app.HasFaults())
        {
            return;
        }

        var faults = app.MapGroup(FaultAccess.Path).RequireAuthorization(FaultAccess.Reader);
        faults.MapFaultApi();
        faults.MapFaultPages();
        app.MapFaultDocumentation();
    }

    /// <summary>Keeps faults on the in-memory transport, where no broker does.</summary>
    public static void KeepFaults(IBusRegistrationContext context, IInMemoryBusFactoryConfigurator bus)
    {
        var faults = context.GetRequiredService<InMemoryFaultTransport>();
        foreach (var queue in context.GetRequiredService<FaultEndpoints>().Queues)
        {
            faults.Keep(queue.Name, bus);
        }
    }
}

using MassTransit;
using Microsoft.Extensions.Options;
using Orders.Messaging.Operators;
using Orders.ServiceDefaults.Configuration;
using RabbitMQ.Client;

namespace Orders.Messaging;

/// <summary>The bus, on the transport that the configuration names.</summary>
public static class BusRegistration
{
    /// <summary>How long a stopping program waits for the messages that it is working on.</summary>
    public static readonly TimeSpan StopTimeout = TimeSpan.FromSeconds(30);

    /// <summary>Adds MassTransit with the given consumers.</summary>
    /// <param name="builder">The program.</param>
    /// <param name="configure">Adds consumers; may be left out by a program that only publishes.</param>
    /// <param name="configureInMemory">Adds receive endpoints that only the in-memory transport needs.</param>
    public static IHostApplicationBuilder AddBus(
        this IHostApplicationBuilder builder,
        Action<IBusRegistrationConfigurator>? configure = null,
        Action<IBusRegistrationContext, IInMemoryBusFactoryConfigurator>? configureInMemory = null)
    {
        builder.AddValidatedOptions<MessagingOptions>(MessagingOptions.Section);

        var transport = builder.Configuration.GetTransport();
        if (transport == Transport.RabbitMq)
        {
            builder.AddValidatedOptions<RabbitMqOptions>(RabbitMqOptions.Section);
            builder.Services.AddSingleton<ITopologyPart, OwnTopology>();
            builder.Services.AddSingleton<BrokerWatch>();
            builder.Services.AddHostedService(services => services.GetRequiredService<BrokerWatch>());
            builder.Services.AddHealthChecks().AddCheck<BrokerWatch>("broker", tags: ["ready"]);
            builder.Services.AddSingleton<RefusedMessages>();
            builder.Services.AddSingleton<ConsumerRecovery>();
            builder.Services.AddSingleton<RefusedLogins>();
            builder.Services.AddBusObserver(services => services.GetRequiredService<RefusedLogins>());
            builder.Services.AddReceiveEndpointObserver(services => services.GetRequiredService<RefusedLogins>());
            builder.Services.AddSendObserver(services => services.GetRequiredService<RefusedMessages>());
            builder.Services.AddPublishObserver(services => services.GetRequiredService<RefusedMessages>());
        }

        builder.Services.AddOptions<MassTransitHostOptions>().Configure(options =>
        {
            // A broker that is down must not keep the program from starting; in memory, an order must not
            // come in before its queue is there.
            options.WaitUntilStarted = transport == Transport.InMemory;
            options.StopTimeout = StopTimeout;
            options.ConsumerStopTimeout = StopTimeout;
        });
        // The host gives the bus its full time, and a little for everything else.
        builder.Services.Configure<HostOptions>(options => options.ShutdownTimeout = StopTimeout + TimeSpan.FromSeconds(5));

        builder.Services.AddMassTransit(bus =>
        {
            bus.DisableUsageTelemetry();
            configure?.Invoke(bus);

            if (transport == Transport.RabbitMq)
            {
                bus.AddConfigureEndpointsCallback((context, _, endpoint) => context.UseTopology((IRabbitMqReceiveEndpointConfigurator)endpoint));
                bus.UsingRabbitMq((context, rabbitMq) =>
                {
                    var options = context.GetRequiredService<IOptions<RabbitMqOptions>>().Value;
                    var first = options.ReadNodes()[0];
                    rabbitMq.Host(first.HostName, (ushort)first.Port, options.VirtualHost, builder.Environment.ApplicationName, host =>
                    {
                        host.Username(options.Username!);
                        host.Password(options.Password!);
                        host.Heartbeat(RabbitMqOptions.Heartbeat);
                        host.RequestedConnectionTimeout(RabbitMqOptions.ConnectTimeout);
                        // Not UseCluster, which tries one node and then pauses before the next; nor UseSsl, which by default
                        // takes a certificate that nobody vouches for.
                        host.OnRefreshConnectionFactory = factory =>
                        {
                            factory.GatherWrites();
                            factory.MaxInboundMessageBodySize = RabbitMqOptions.LargestMessage;
                            factory.EndpointResolverFactory = _ => new DefaultEndpointResolver(options.ReadNodes());
                            return context.GetRequiredService<RefusedLogins>().TryLoginAsync(options);
                        };
                    });
                    rabbitMq.WriteJsonOnOneLine();
                    rabbitMq.MessageTopology.SetEntityNameFormatter(new MessageNames(rabbitMq.MessageTopology.EntityNameFormatter));
                    rabbitMq.ConnectEndpointConfigurationObserver(context.GetRequiredService<ConsumerRecovery>());
                    rabbitMq.UseOperatorEvents();
                    context.UseTopology(rabbitMq);
                    rabbitMq.ConfigureEndpoints(context);
                });
            }
            else
            {
                bus.UsingInMemory((context, inMemory) =>
                {
                    inMemory.WriteJsonOnOneLine();
                    inMemory.UseOperatorEvents();
                    configureInMemory?.Invoke(context, inMemory);
                    inMemory.ConfigureEndpoints(context);
                });
            }
        });

        return builder;
    }

    /// <summary>MassTransit would indent its messages, which takes three times as long.</summary>
    private static void WriteJsonOnOneLine(this IBusFactoryConfigurator bus) => bus.ConfigureJsonSerializerOptions(json =>
    {
        json.WriteIndented = false;
        return json;
    });

    /// <summary>Refuses the in-memory transport, for a program that nobody could reach on it.</summary>
    /// <exception cref="OptionsValidationException">The transport is <see cref="Transport.InMemory"/>.</exception>
    public static void RequireBroker(this IHostApplicationBuilder builder)
    {
        if (builder.Configuration.GetTransport() == Transport.InMemory)
        {
            throw new OptionsValidationException(
                MessagingOptions.Section,
                typeof(MessagingOptions),
                ["Messaging__Transport must be RabbitMq for a worker by itself. In memory, Orders.Api hosts the worker: start that alone."]);
        }
    }

    /// <summary>The transport in force, needed while the program is still being composed.</summary>
    /// <exception cref="OptionsValidationException">The configuration names a transport that does not exist.</exception>
    public static Transport GetTransport(this IConfiguration configuration) =>
        configuration.ReadOptions<MessagingOptions>(MessagingOptions.Section).Transport;
}

using VmSim.Core.Addresses;
using VmSim.Core.Engine;
using VmSim.Core.Shootdown;
using VmSim.Core.VirtualTime;
using VmSim.Testing;

namespace VmSim.Core.Tests.Checking;

/// <content>Bugs of cores.</content>
internal sealed partial class BuggyProtocol
{
    private sealed class BuggyCoreContext(ICoreShootdownContext right, SeededBug bug) : ForwardingCoreContext(right)
    {
        /// <summary>Pairs that owe what nobody asks for.</summary>
        private readonly TagPairs? _others = right.Pairs is null ? null : new TagPairs(right, isUntagged: false);

        public bool IsLoading { get; set; }

        public override TagPairs? Pairs => bug switch
        {
            SeededBug.ForgetsTheUsersHalf => null,
            SeededBug.ForgetsWhatTheUsersHalfOwes => _others,
            SeededBug.TakesATagOverInHalf when IsLoading => null,
            _ => base.Pairs,
        };
    }

    private sealed class BuggyCore(CoreShootdown right, ICoreShootdownContext context, BuggyCoreContext buggy, SeededBug bug)
        : ForwardingCore(right)
    {
        private Invalidation? _acknowledged;

        public override Cycles OnTick() => bug == SeededBug.NeverSweeps ? 0 : base.OnTick();

        public override Cycles OnSwitch()
        {
            if (_acknowledged is { } invalidation)
            {
                _acknowledged = null;
                return base.OnInvalidation(invalidation).Cycles;
            }

            return bug == SeededBug.NeverSweeps ? 0 : base.OnSwitch();
        }

        public override InvalidationResult OnInvalidation(in Invalidation invalidation)
        {
            if (invalidation.IsLocal)
            {
                return base.OnInvalidation(invalidation);
            }

            if (bug == SeededBug.AcknowledgesFreedTablesEarly && invalidation.TablesFreed)
            {
                _acknowledged = invalidation;
                return new InvalidationResult(0, 0, Full: false, Ack: AckTime.AtEntry);
            }

            bool ignores = bug is SeededBug.AcknowledgesWithoutInvalidating or SeededBug.ClearsTheTableAlone
                || (bug == SeededBug.IgnoresFreedTables && invalidation.TablesFreed);
            if (bug == SeededBug.AcknowledgesTwice)
            {
                Acknowledge(invalidation.Space, invalidation.Shootdown);
            }
            else if (bug == SeededBug.AcknowledgesAnother)
            {
                Acknowledge(invalidation.Space, invalidation.Shootdown + 1);
            }

            return ignores ? default
                : base.OnInvalidation(bug == SeededBug.KeepsFreedTables ? invalidation with { TablesFreed = false } : invalidation);
        }

        public override LoadResult OnLoaded(SpaceId space, in LoadAnswer answer)
        {
            buggy.IsLoading = true;
            LoadResult result = bug == SeededBug.SharesTags
                ? new LoadResult(new Asid(1), 0, Flushed: false)
                : base.OnLoaded(space, answer);
            buggy.IsLoading = false;
            return result;
        }

        /// <summary>An acknowledgement too many, which arrives long after the right ones.</summary>
        private void Acknowledge(SpaceId space, long shootdown) =>
            ((CoreModel)context).Outbox.Add(SimMessage.Of(new InvalidationAck(shootdown)) with
            {
                Due = context.Now.Value + 20_000,
                Target = context.Machine.Cores + space.Value,
                Space = space,
            });
    }
}

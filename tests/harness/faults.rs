//! Fault injection: a proxy between the functions and the services they call, which are the local cloud and the
//! market, that makes chosen calls fail as networks and services do.

mod call;
mod call_fault;
mod proxy;
mod rules;

pub use call::Call;
pub use call_fault::CallFault;
pub use proxy::FaultProxy;
pub use rules::CallFaultRule;

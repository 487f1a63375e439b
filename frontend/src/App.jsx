import './App.css'
import Announcer from './components/Announcer.jsx'
import AppHeader from './components/AppHeader.jsx'
import ConnectionBanner from './components/ConnectionBanner.jsx'
import DemoBanner from './components/DemoBanner.jsx'
import Gate from './components/Gate.jsx'
import PanelBoundary from './components/PanelBoundary.jsx'
import Studio from './components/Studio.jsx'
import Toaster from './components/Toaster.jsx'

export default function App() {
  return (
    <Announcer>
      <Toaster>
        <AppHeader />
        <main>
          <Gate>
            <div className="banners">
              <ConnectionBanner />
              <PanelBoundary>
                <DemoBanner />
              </PanelBoundary>
            </div>
            <Studio />
          </Gate>
        </main>
      </Toaster>
    </Announcer>
  )
}
